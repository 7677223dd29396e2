//! The commands that edit by hand, through the real program, at every service that keeps zones and records: each command and each
//! operation, wrong input, wrong credentials, wrong answers, every refusal. What is particular to one service's commands is in
//! `commands.rs`.

#![cfg(target_os = "linux")]
#![expect(clippy::disallowed_methods, reason = "a test waits for what a process says")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers too")]

#[path = "conformance/designate_service.rs"]
mod designate_service;
#[path = "commands/desk.rs"]
mod desk;
#[path = "emulator/http.rs"]
mod http;
#[path = "emulator/lunanode.rs"]
mod lunanode;
#[path = "commands/matrix.rs"]
mod matrix;
#[path = "emulator/pocketdns.rs"]
mod pocketdns;
#[path = "emulator/rackspace.rs"]
mod rackspace;
#[path = "support/said.rs"]
mod said;
#[path = "commands/services.rs"]
mod services;
#[path = "support/torture.rs"]
mod torture;
#[path = "commands/whole.rs"]
mod whole;
#[path = "emulator/yandex.rs"]
mod yandex;
#[path = "emulator/yandex360.rs"]
mod yandex360;

/// The same tests for each service.
macro_rules! at_each_service {
    ($($service:ident),+ $(,)?) => {
        /// Which services are gone through.
        const HERE: &[&str] = &[$(stringify!($service)),+];

        mod at {
            $(mod $service {
                use crate::{matrix, services, whole};

                fn start() -> futures_util::future::BoxFuture<'static, services::Service> {
                    Box::pin(services::$service())
                }

                #[tokio::test]
                async fn every_command_looks_does_repeats_and_refuses_and_uses_every_operation() {
                    whole::every_command(start).await;
                }

                #[tokio::test]
                async fn wrong_input_is_said_and_nothing_is_written() {
                    matrix::wrong_input(start).await;
                }

                #[tokio::test]
                async fn what_stands_in_the_way_of_an_address_is_said_by_plan_and_nothing_is_sent() {
                    matrix::planned(start).await;
                }

                #[tokio::test]
                async fn a_pause_that_the_service_wants_is_waited_for() {
                    matrix::pauses(start).await;
                }

                #[tokio::test]
                async fn who_interrupts_a_change_hears_what_the_service_goes_on_with() {
                    matrix::interrupted(start).await;
                }

                #[tokio::test]
                async fn txt_is_one_text_however_it_is_typed_and_however_the_service_writes_it() {
                    matrix::texts(start).await;
                }

                #[tokio::test]
                async fn what_no_record_can_be_is_refused_before_it_is_sent() {
                    matrix::never_sent(start).await;
                }

                #[tokio::test]
                async fn a_priority_in_the_value_and_beside_it_is_one() {
                    matrix::one_priority(start).await;
                }

                #[tokio::test]
                async fn mx_and_srv_are_found_as_zone_files_have_them() {
                    matrix::zone_file_form(start).await;
                }

                #[tokio::test]
                async fn wrong_credentials_are_refused_for_every_command_and_never_shown() {
                    matrix::wrong_credentials(start).await;
                }

                #[tokio::test]
                async fn an_answer_that_is_none_to_any_call_leaves_nothing_half_done() {
                    matrix::wrong_answers(start).await;
                }

                #[tokio::test]
                async fn every_documented_refusal_has_its_exit_code_and_is_passed_on() {
                    matrix::refusals(start).await;
                }
            })+
        }
    };
}

at_each_service!(designate, lunanode, pocketdns, rackspace, yandex, yandex360);

#[tokio::test]
async fn the_form_for_registrars_has_every_command_too() {
    whole::every_command(|| Box::pin(services::yandex_of_registrars())).await;
}

#[tokio::test]
async fn a_zone_that_is_forbidden_does_not_hide_the_others_from_a_list() {
    matrix::one_zone_forbidden(|| Box::pin(services::pocketdns())).await;
}

#[test]
fn no_service_that_can_be_edited_is_left_out() {
    let editable = driftless::provider::REGISTRY.iter().filter(|entry| entry.edit.is_some()).map(|entry| entry.name);
    assert_eq!(editable.collect::<Vec<_>>(), HERE);
}
