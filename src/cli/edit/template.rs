//! `pocketdns template`: one of the service's templates, applied to a zone.

use super::TemplateApply;
use super::account::{For, Opened, ended, failed, mistyped};
use super::ask::may;
use super::choose::{all_zones, rows, zone_called};
use super::view::{Outcome, Placed};
use crate::app::{Failure, Loaded};
use crate::cli::patience::Interrupt;
use crate::cli::print;
use crate::provider::edit::{Attributes, Filter};

const TEMPLATES: For = For { fits: |entry| entry.name == "pocketdns", what: "templates", command: "records" };

/// Applies a template. What becomes of the records that are there is not documented, so a person is asked as before a removal.
pub(super) async fn apply(loaded: &Loaded, args: &TemplateApply) -> Result<u8, Failure> {
    let writing = &args.writing;
    let at = Opened::find(loaded, writing.common.account.as_deref(), TEMPLATES)?;
    let mut variables = Attributes::new();
    for (key, value) in &args.set {
        if variables.insert(key.clone(), value.clone()).is_some() {
            return Err(mistyped(format!("the variable {key} was given twice")));
        }
    }
    let zone = zone_called(&at, &all_zones(&at).await?, &args.zone)?.zone;
    at.editor.check_template(&args.template, writing.dry_run).map_err(failed)?;
    at.warn_of_managed_in(&zone);
    let doing = format!("apply the template {} to {}", args.template, zone.name);
    let mut made: Vec<Placed> = Vec::new();
    if writing.dry_run {
        let held = rows(&at, &zone, &Filter::default()).await?.len();
        let held = print::counted(held, "record");
        print::warning(&format!("what the template makes only the service knows; {} has {held} now", zone.name));
        if !writing.common.json {
            print::line("nothing was done");
            return Ok(0);
        }
    } else {
        if !may(&format!("{doing}; records that are there may be replaced?"), args.yes)? {
            print::line("nothing was done");
            return Ok(1);
        }
        let mut interrupt = Interrupt::listen();
        let apply = || at.editor.apply_template(&zone, &args.template, &variables);
        let applied = interrupt.send_one((&doing, &at.look()), apply).await;
        let applied = applied.map_err(|error| ended(&interrupt, error))?;
        made.extend(applied.into_iter().map(|row| (zone.name.clone(), row)));
    }
    Outcome::written("template", "added", writing.dry_run).records(&at, &made, false, writing.common.json)
}
