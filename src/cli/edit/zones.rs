//! `zones`: list, add, remove.

use super::account::{Opened, RECORDS, ended, failed, in_the_way, refused};
use super::ask::may_remove;
use super::choose::{all_zones, checked, rows, zone_called};
use super::view::Outcome;
use super::{ZonesAdd, ZonesCommand, ZonesList, ZonesRemove};
use crate::app::{Failure, Loaded};
use crate::cli::patience::Interrupt;
use crate::cli::print;
use crate::config;
use crate::model::error::{Error, Kind};
use crate::model::name::Name;
use crate::provider::edit::{Filter, ZoneRow, fits};
use crate::provider::shape::zones::Zone;

/// What shows the zones.
const LOOK: &str = "driftless zones list";

pub(super) async fn run(loaded: &Loaded, command: &ZonesCommand) -> Result<u8, Failure> {
    match command {
        ZonesCommand::List(args) => list(loaded, args).await,
        ZonesCommand::Add(args) => add(loaded, args).await,
        ZonesCommand::Remove(args) => remove(loaded, args).await,
    }
}

async fn list(loaded: &Loaded, args: &ZonesList) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.common.account.as_deref(), RECORDS)?;
    let mut zones = all_zones(&at).await?;
    let pattern = args.name.as_deref().map(|pattern| pattern.trim_end_matches('.'));
    zones.retain(|row| pattern.is_none_or(|pattern| fits(pattern, row.zone.name.as_str())));
    Outcome::shown("list").zones(&at, &zones, args.common.json)
}

async fn add(loaded: &Loaded, args: &ZonesAdd) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.writing.common.account.as_deref(), RECORDS)?;
    let options = [("ttl", args.ttl.map(|ttl| ttl.to_string())), ("email", args.email.clone())];
    let given = options.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    let attributes = checked(given.chain(args.set.iter().cloned()), at.editor.zone_attributes(), &at, "zones")?;
    at.editor.check_zone(&args.name, &attributes).map_err(failed)?;
    let zone = if args.writing.dry_run {
        if all_zones(&at).await?.iter().any(|row| row.zone.name == args.name) {
            return Err(refused(format!("the account {} has the zone {} already", at.account.name, args.name)));
        }
        ZoneRow { zone: Zone { id: String::new(), name: args.name.clone() }, attributes }
    } else {
        let mut interrupt = Interrupt::listen();
        let doing = format!("adding the zone {}", args.name);
        let added = interrupt.send_one((&doing, LOOK), || at.editor.add_zone(&args.name, &attributes)).await;
        match added {
            Ok(zone) => zone,
            Err(error) => {
                let error = in_the_way(error, &format!("{LOOK} shows what is there"));
                return Err(ended(&interrupt, there_already(&at, &args.name, error).await));
            }
        }
    };
    Outcome::written("add", "added", args.writing.dry_run).zones(&at, &[zone], args.writing.common.json)
}

/// A refusal of a zone that is there already: services call its name invalid, or say nothing.
async fn there_already(at: &Opened<'_>, name: &Name, error: Error) -> Error {
    if error.kind != Kind::Config || error.unsent {
        return error;
    }
    // Where the zones cannot be listed now, the service's own words must do.
    let there = all_zones(at).await.is_ok_and(|zones| zones.iter().any(|row| row.zone.name == *name));
    if there { error.hint(format!("the account {} has the zone {name} already", at.account.name)) } else { error }
}

async fn remove(loaded: &Loaded, args: &ZonesRemove) -> Result<u8, Failure> {
    let writing = &args.removing.writing;
    let at = Opened::find(loaded, writing.common.account.as_deref(), RECORDS)?;
    let zones = all_zones(&at).await?;
    let row = zone_called(&at, &zones, &args.name)?;
    if let Some(id) = args.id.as_ref().filter(|id| **id != row.zone.id) {
        let hint = config::suggest(id, "it has", [row.zone.id.as_str()]);
        return Err(refused(format!("the zone {} has not the id {id}{hint}", args.name)));
    }
    at.editor.check_zone_removal(&row.zone).map_err(failed)?;
    at.warn_of_managed_in(&row.zone);
    if !writing.dry_run {
        if !args.removing.yes {
            // What is lost with it is said, where it can be seen; where it cannot, the question alone must do.
            let inside = rows(&at, &row.zone, &Filter::default()).await.ok();
            let inside = inside.map_or_else(|| "everything".to_owned(), |rows| print::counted(rows.len(), "record"));
            if !may_remove(&format!("the zone {} with {inside} in it", args.name), false)? {
                print::line("nothing was removed");
                return Ok(1);
            }
        }
        let mut interrupt = Interrupt::listen();
        let doing = format!("removing the zone {}", args.name);
        let removed = interrupt.send_one((&doing, LOOK), || at.editor.remove_zone(&row.zone)).await;
        removed.map_err(|error| ended(&interrupt, error))?;
    }
    Outcome::written("remove", "removed", writing.dry_run).zones(&at, &[row], writing.common.json)
}
