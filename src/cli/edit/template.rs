//! `pocketdns template`: one of the service's templates, applied to a zone.

use super::TemplateApply;
use super::account::{For, Opened, failed, mistyped};
use super::ask::may;
use super::choose::{all_zones, rows, zone_called};
use super::view::{Outcome, Placed};
use crate::app::{Failure, Loaded};
use crate::cli::patience::patiently;
use crate::cli::print;
use crate::provider::edit::{Attributes, Filter};

const TEMPLATES: For = For { fits: |entry| entry.name == "pocketdns", what: "templates" };

/// Applies a template. What becomes of the records that are there is not documented, so a person is asked as before a removal.
pub(super) async fn apply(loaded: &Loaded, args: &TemplateApply) -> Result<u8, Failure> {
    let writing = &args.removing.writing;
    let at = Opened::find(loaded, writing.common.account.as_deref(), TEMPLATES)?;
    let mut variables = Attributes::new();
    for (key, value) in &args.set {
        if variables.insert(key.clone(), value.clone()).is_some() {
            return Err(mistyped(format!("the variable {key} was given twice")));
        }
    }
    let zone = zone_called(&at, &all_zones(&at).await?, &args.zone)?.zone;
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
        if !may(&format!("{doing}; records that are there may be replaced?"), args.removing.yes)? {
            print::line("nothing was done");
            return Ok(1);
        }
        let applied = patiently(&doing, at.editor.apply_template(&zone, &args.template, &variables)).await;
        made.extend(applied.map_err(failed)?.into_iter().map(|row| (zone.name.clone(), row)));
    }
    Outcome::written("template", "added", writing.dry_run).records(&at, &made, false, writing.common.json)
}
