//! `records`: list, show, add, update; what removes is beside it.

use super::account::{Opened, RECORDS, failed, in_the_way, mistyped, refused};
use super::choose::{Meant, all_zones, attributes, rows, rows_in, values, zone_of, zone_of_filter};
use super::remove::remove;
use super::view::{self, Failed, Outcome, Placed, named, row_of};
use super::{Filters, Given, RecordsAdd, RecordsCommand, RecordsList, RecordsShow, RecordsUpdate, Writing};
use crate::app::{Failure, Loaded};
use crate::cli::patience::Interrupt;
use crate::cli::print;
use crate::model::error::{Error, Kind, Result as Answer, Scope};
use crate::model::name::Name;
use crate::model::record::RecordType;
use crate::provider::edit::rules::alone;
use crate::provider::edit::same::Standing;
use crate::provider::edit::{Attributes, Edit, Filter, Row, whole};
use crate::provider::shape::zones::Zone;

pub(super) async fn run(loaded: &Loaded, command: &RecordsCommand) -> Result<u8, Failure> {
    let named = match command {
        RecordsCommand::Show(args) => is_named(args.name.as_ref(), &args.filters, false),
        RecordsCommand::Update(args) => is_named(args.name.as_ref(), &args.filters, false),
        RecordsCommand::Remove(args) => is_named(args.name.as_ref(), &args.filters, true),
        _ => Ok(()),
    };
    named?;
    let common = match command {
        RecordsCommand::List(args) => &args.common,
        RecordsCommand::Show(args) => &args.common,
        RecordsCommand::Add(args) => &args.writing.common,
        RecordsCommand::Update(args) => &args.writing.common,
        RecordsCommand::Remove(args) => &args.removing.writing.common,
        RecordsCommand::Attributes(args) => &args.common,
    };
    carry_out(&Opened::find(loaded, common.account.as_deref(), RECORDS)?, command).await
}

/// Whether it was said which records are meant; a value alone is enough where it says so.
fn is_named(name: Option<&Name>, filters: &Filters, by_value: bool) -> Result<(), Failure> {
    let by_value = by_value && filters.value.is_some();
    if name.is_some() || filters.name.is_some() || filters.id.is_some() || by_value {
        return Ok(());
    }
    Err(mistyped("which record is meant? Give its NAME, or --name PATTERN for several, or --id ID"))
}

/// Carries a command out at an account.
pub(super) async fn carry_out(at: &Opened<'_>, command: &RecordsCommand) -> Result<u8, Failure> {
    match command {
        RecordsCommand::List(args) => list(at, args).await,
        RecordsCommand::Show(args) => show(at, args).await,
        RecordsCommand::Add(args) => add(at, args).await,
        RecordsCommand::Update(args) => update(at, args).await,
        RecordsCommand::Remove(args) => remove(at, args).await,
        RecordsCommand::Attributes(args) => view::attributes(at, args.common.json),
    }
}

async fn list(at: &Opened<'_>, args: &RecordsList) -> Result<u8, Failure> {
    let filters = &args.filters;
    let filter = Filter {
        name: filters.name.clone(),
        rtype: filters.rtype,
        value: filters.value.clone(),
        id: filters.id.clone(),
    };
    let mut outcome = Outcome::shown("list");
    let found = match zone_of_filter(at, filters).await? {
        None => rows_of_readable(at, &filter, &mut outcome.failures).await?,
        zone => rows_in(at, zone, &filter).await.map_err(failed)?,
    };
    outcome.records(at, &placed(found), args.ids, args.common.json)
}

/// The records of every zone that can be read. One that cannot does not hide the others.
async fn rows_of_readable(
    at: &Opened<'_>,
    filter: &Filter,
    failures: &mut Vec<Failed>,
) -> Result<Vec<(Zone, Vec<Row>)>, Failure> {
    let of_one =
        |error: &Error| matches!(error.kind, Kind::Auth { scope: Scope::RecordSet } | Kind::Config | Kind::Stale);
    match rows_in(at, None, filter).await {
        Err(error) if of_one(&error) => {}
        all => return all.map_err(failed),
    }
    let mut found = Vec::new();
    for zone in all_zones(at).await?.into_iter().map(|row| row.zone) {
        match rows_in(at, Some(zone.clone()), filter).await {
            Ok(rows) => found.extend(rows),
            Err(error) if of_one(&error) => failures.push(Failed { what: zone.name.to_string(), error }),
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(found)
}

async fn show(at: &Opened<'_>, args: &RecordsShow) -> Result<u8, Failure> {
    let meant = Meant::new(args.name.as_ref(), args.rtype, &args.filters)?;
    let found = placed(meant.find(at).await?);
    if found.is_empty() {
        return Err(meant.nothing(at));
    }
    Outcome::shown("show").in_full(at, &found, args.common.json)
}

/// Each record with the name of its zone.
fn placed(found: Vec<(Zone, Vec<Row>)>) -> Vec<Placed> {
    let of_zone = |(zone, rows): (Zone, Vec<Row>)| rows.into_iter().map(move |row| (zone.name.clone(), row));
    found.into_iter().flat_map(of_zone).collect()
}

async fn add(at: &Opened<'_>, args: &RecordsAdd) -> Result<u8, Failure> {
    let values = values(args.rtype, &args.values)?;
    let attributes = attributes(at, &args.given)?;
    let edit = Edit { name: args.name.clone(), rtype: args.rtype, values, ttl: args.given.ttl, attributes };
    let edit = whole::typed(edit, None, at.beside()).map_err(refused)?;
    let zone = zone_of(at, args.zone.as_ref(), &args.name).await?;
    add_to(at, &zone, &edit, &args.writing).await
}

/// Adds what an edit says. What is there already is left as it is, and said.
pub(super) async fn add_to(at: &Opened<'_>, zone: &Zone, edit: &Edit, writing: &Writing) -> Result<u8, Failure> {
    at.editor.check(zone, edit).map_err(failed)?;
    let of_name = Filter { name: Some(edit.name.to_string()), ..Filter::default() };
    let mut held = rows(at, zone, &of_name).await?;
    // A star in front is a name like any other (RFC 4592).
    held.retain(|row| row.name == edit.name);
    at.editor.check_beside(zone, edit, &held).map_err(failed)?;
    alone(&edit.name, edit.rtype, held.iter().map(|row| row.rtype)).map_err(refused)?;
    at.warn_of_managed([(&edit.name, edit.rtype)].into_iter());
    let mut outcome = Outcome::written("add", "added", writing.dry_run);
    // Where each value is a record of its own, each has an outcome of its own.
    let each = if at.keeps_sets() { vec![edit.clone()] } else { apart(edit) };
    let mut missing = Vec::new();
    for edit in each {
        match there_already(at, &edit, &held)? {
            Some(row) => outcome.unchanged.push((zone.name.clone(), row)),
            None => missing.push(edit),
        }
    }
    let answers = if writing.dry_run || missing.is_empty() {
        missing.iter().map(|edit| Ok(vec![row_of(edit, None)])).collect()
    } else {
        let (doing, mut interrupt) = (format!("adding {} {}", edit.name, edit.rtype), Interrupt::listen());
        let add = |edits: Vec<Edit>| async move { at.editor.add(zone, &edits).await };
        let answers = interrupt.send((&doing, &at.look()), &missing, add).await;
        outcome.interrupted = interrupt.heard;
        answers
    };
    let hint = format!("update it instead; {} shows what is there", at.look());
    let mut added = Vec::new();
    for (edit, answer) in missing.iter().zip(answers) {
        match answer {
            Ok(rows) => added.extend(rows.into_iter().map(|row| (zone.name.clone(), row))),
            Err(error) => {
                outcome.failures.push(Failed { what: named(&row_of(edit, None)), error: in_the_way(error, &hint) })
            }
        }
    }
    outcome.records(at, &added, false, writing.common.json)
}

/// The row that is what the edit says already.
///
/// # Errors
/// It is there, but otherwise: `update` is what changes it.
fn there_already(at: &Opened<'_>, edit: &Edit, held: &[Row]) -> Result<Option<Row>, Failure> {
    let mut differs = None;
    for row in held {
        match at.standing(edit, row) {
            Standing::Other => {}
            Standing::Same => return Ok(Some(row.clone())),
            Standing::Differs(how) => differs = Some((row, how)),
        }
    }
    if let Some(other) = held.iter().find(|row| row.rtype == RecordType::Cname && differs.is_none()) {
        let why = "and a name has one CNAME (RFC 1034, section 3.6.2)";
        return Err(refused(format!(
            "{} is there already, {why}: driftless {} update changes it",
            named(other),
            at.command
        )));
    }
    let Some((row, how)) = differs else { return Ok(None) };
    let what = if at.keeps_sets() { format!("{} {}", row.name, row.rtype) } else { named(row) };
    let why =
        format!("{what} is there already, but {how}: nothing was added (driftless {} update changes it)", at.command);
    Err(refused(why))
}

/// An edit for each value.
fn apart(edit: &Edit) -> Vec<Edit> {
    edit.values.iter().map(|value| Edit { values: vec![value.clone()], ..edit.clone() }).collect()
}

async fn update(at: &Opened<'_>, args: &RecordsUpdate) -> Result<u8, Failure> {
    let typed = match (args.rtype, args.values.as_slice()) {
        (Some(rtype), typed) => values(rtype, typed)?,
        (None, _) => Vec::new(),
    };
    if typed.is_empty() && nothing_given(&args.given) {
        return Err(mistyped(
            "nothing to change was named: give NAME TYPE VALUE, or --ttl, --priority, --weight, --set",
        ));
    }
    let attributes = attributes(at, &args.given)?;
    let meant = Meant::new(args.name.as_ref(), args.rtype, &args.filters)?;
    let found = meant.find(at).await?;
    let count: usize = found.iter().map(|(_, rows)| rows.len()).sum();
    if count == 0 {
        return Err(meant.nothing(at));
    }
    if !typed.is_empty() && (count > 1 || (typed.len() > 1 && !at.keeps_sets())) {
        return Err(too_many(&found, typed.len()));
    }
    let change = |row: Row| {
        let changed = if typed.is_empty() {
            whole::attributed(edit(&row, row.values.clone(), &args.given, &attributes), &row, at.beside())
        } else {
            whole::typed(edit(&row, typed.clone(), &args.given, &attributes), Some(&row), at.beside())
        };
        changed.map(|edit| (row, edit)).map_err(refused)
    };
    let of_zone = |(zone, rows): (Zone, Vec<Row>)| Ok((zone, rows.into_iter().map(change).collect::<Result<_, _>>()?));
    let changes: Vec<(Zone, Vec<(Row, Edit)>)> = found.into_iter().map(of_zone).collect::<Result<_, Failure>>()?;
    if !at.keeps_sets() {
        for (zone, changes) in &changes {
            makes_no_twin(at, zone, changes).await?;
        }
    }
    change_all(at, changes, &args.writing).await
}

/// Where each value is a record of its own, a change must not make a second one of what is there: no service says what it makes of
/// that, and who removes one of them removes the other by chance.
async fn makes_no_twin(at: &Opened<'_>, zone: &Zone, changes: &[(Row, Edit)]) -> Result<(), Failure> {
    let telling = |(row, edit): &&(Row, Edit)| edit.values != row.values || !edit.attributes.is_empty();
    let telling: Vec<&(Row, Edit)> = changes.iter().filter(telling).collect();
    let Some((first, _)) = telling.first() else { return Ok(()) };
    let of_set = Filter { name: Some(first.name.to_string()), rtype: Some(first.rtype), ..Filter::default() };
    let one_set = telling.iter().all(|(row, _)| (&row.name, row.rtype) == (&first.name, first.rtype));
    let before = rows(at, zone, &if one_set { of_set } else { Filter::default() }).await?;
    let becomes = |row: &Row| {
        let change = changes.iter().find(|(changed, _)| changed.id == row.id);
        change.map_or_else(|| row.clone(), |(row, edit)| row_of(edit, Some(row)))
    };
    let after: Vec<Row> = before.iter().map(becomes).collect();
    for (row, edit) in telling {
        let made = row_of(edit, Some(row));
        let mut others = before.iter().zip(&after).filter(|(other, _)| other.id != row.id);
        if let Some((other, _)) = others.find(|(other, after)| at.is_twin(&made, after) && !at.is_twin(row, other)) {
            return Err(refused(format!(
                "{} would be there twice, as the record {} and as the record {}: nothing was updated (driftless records remove \
                 takes away the one that is not wanted)",
                named(&made),
                other.id,
                row.id
            )));
        }
    }
    Ok(())
}

fn nothing_given(given: &Given) -> bool {
    given.ttl.is_none() && given.priority.is_none() && given.weight.is_none() && given.set.is_empty()
}

/// What a row is to become: other values, and what was given beside them.
pub(super) fn edit(row: &Row, values: Vec<String>, given: &Given, attributes: &Attributes) -> Edit {
    let attributes = attributes.clone();
    Edit { name: row.name.clone(), rtype: row.rtype, values, ttl: given.ttl, attributes }
}

/// Why values cannot be given to what was found.
fn too_many(found: &[(Zone, Vec<Row>)], values: usize) -> Failure {
    let rows: Vec<&Row> = found.iter().flat_map(|(_, rows)| rows).collect();
    if let [row] = rows.as_slice() {
        let why = format!("{} is one record, which holds one value; {values} were given", named(row));
        return mistyped(format!("{why} (driftless records add makes more records)"));
    }
    let list: Vec<String> = rows.iter().take(5).map(|row| format!("{} (id {})", named(row), row.id)).collect();
    let more = if rows.len() > list.len() { ", …" } else { "" };
    mistyped(format!("several records are meant; choose one with --value or --id: {}{more}", list.join("; ")))
}

/// Makes changes, zone by zone.
pub(super) async fn change_all(
    at: &Opened<'_>,
    changes: Vec<(Zone, Vec<(Row, Edit)>)>,
    writing: &Writing,
) -> Result<u8, Failure> {
    for (zone, changes) in &changes {
        changes.iter().try_for_each(|(row, edit)| at.editor.check_change(zone, row, edit)).map_err(failed)?;
    }
    at.warn_of_managed(changes.iter().flat_map(|(_, changes)| changes).map(|(row, _)| (&row.name, row.rtype)));
    let mut outcome = Outcome::written("update", "updated", writing.dry_run);
    let (mut updated, mut interrupt) = (Vec::new(), None);
    let hint = format!("{} shows what is there", at.look());
    for (zone, changes) in changes {
        let (so, changes): (Vec<_>, Vec<_>) = changes.into_iter().partition(|(row, edit)| at.is_so(edit, row));
        outcome.unchanged.extend(so.into_iter().map(|(row, _)| (zone.name.clone(), row)));
        let answers: Vec<Answer<Row>> = if writing.dry_run || changes.is_empty() {
            changes.iter().map(|(row, edit)| Ok(row_of(edit, Some(row)))).collect()
        } else {
            let doing = format!("updating {} of {}", print::counted(changes.len(), at.noun()), zone.name);
            let zone = &zone;
            let update = |changes: Vec<(Row, Edit)>| async move { at.editor.update(zone, &changes).await };
            let interrupt = interrupt.get_or_insert_with(Interrupt::listen);
            interrupt.send((&doing, &at.look()), &changes, update).await
        };
        for ((row, _), answer) in changes.iter().zip(answers) {
            match answer {
                Ok(row) => updated.push((zone.name.clone(), row)),
                // Gone by now, or there already as it was to become: trying again ends the same.
                Err(error) => {
                    outcome.failures.push(Failed { what: named(row), error: in_the_way(error, &hint) });
                }
            }
        }
    }
    outcome.interrupted = interrupt.is_some_and(|interrupt| interrupt.heard);
    outcome.records(at, &updated, false, writing.common.json)
}
