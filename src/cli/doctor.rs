//! `doctor`: what was found, step by step, and what to do first.

use std::path::Path;

use serde_json::json;

use super::patience::patiently;
use super::{complete, print};
use crate::app::Failure;
use crate::app::doctor::Patient;
use crate::model::diagnosis::{Diagnosis, Finding, Outcome, Task};

/// Looks at everything, and says what to do.
pub(super) fn doctor(path: Option<&Path>, offline: bool, json: bool) -> Result<u8, Failure> {
    let diagnosis = complete(async { Ok(examine(path, offline).await) })?;
    let (tasks, code) = (diagnosis.tasks(), diagnosis.exit_code());
    if json {
        print::json(&json!({ "ok": code == 0, "findings": diagnosis.findings, "todo": tasks }))?;
        return Ok(code);
    }
    show(&diagnosis, &tasks);
    Ok(code)
}

async fn examine(path: Option<&Path>, offline: bool) -> Diagnosis {
    let mut patient = Patient::admit(path);
    patiently("asking the daemon", patient.ask_daemon()).await;
    patient.look_at_watching();
    patient.look_at_machine();
    if offline {
        patient.stay_at_home();
        patiently("asking the sources", patient.ask_sources(true)).await;
    } else {
        patiently("asking the resolvers", patient.ask_resolvers()).await;
        patiently("asking the sources", patient.ask_sources(false)).await;
        patiently("reading the accounts", patient.read_accounts()).await;
        patiently("asking the name servers", patient.ask_name_servers()).await;
    }
    patient.look_at_clock();
    patient.diagnosis()
}

fn show(diagnosis: &Diagnosis, tasks: &[Task]) {
    for Finding { step, about, outcome, says, .. } in &diagnosis.findings {
        let about = about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
        print::hanging(&print::tame(&format!("{:<8} {step}{about}: {says}", outcome.to_string())), 9);
    }
    print::line("");
    let counts = [(Outcome::Failed, "failed"), (Outcome::Warning, "to look at"), (Outcome::Skipped, "skipped")];
    let counts = counts.into_iter().map(|(outcome, word)| (diagnosis.count(outcome), word));
    let counts: Vec<String> =
        counts.filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let well = diagnosis.count(Outcome::Ok);
    print::line(&std::iter::once(format!("{well} well")).chain(counts).collect::<Vec<_>>().join(", "));
    if tasks.is_empty() {
        print::line("there is nothing to do");
        return;
    }
    print::line("\nWhat to do, most urgent first:");
    for (at, task) in tasks.iter().enumerate() {
        let number = at + 1;
        print::hanging(&print::tame(&format!("{number}. {}: {}", task.about, task.why)), 4);
        if let Some(advice) = &task.advice {
            let mut lines = advice.lines().filter(|line| !line.is_empty());
            print::hanging(&print::tame(&format!("   to do: {}", lines.next().unwrap_or_default())), 4);
            // What is to be copied into a file is not broken anew.
            lines.for_each(|line| print::line(&format!("       {}", print::tame(line))));
        }
        if let Some(step) = task.may_follow_from {
            print::line(&format!("   this may follow from the {step}: look again when that is mended"));
        }
    }
}
