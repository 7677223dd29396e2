//! `records remove`, and what `dyn remove` shares with it: whole records, and single values of sets.

use super::account::{Opened, refused};
use super::ask::may_remove;
use super::choose::{Meant, values};
use super::records::edit;
use super::view::{Failed, Outcome, named};
use super::{Given, RecordsRemove, Removing};
use crate::app::Failure;
use crate::cli::patience::Interrupt;
use crate::cli::print;
use crate::model::error::{Error, Result as Answer};
use crate::model::record::RecordType;
use crate::provider::edit::same::is_value;
use crate::provider::edit::{Attributes, Edit, Row};
use crate::provider::shape::zones::Zone;

/// Removes the records and values that are meant.
pub(super) async fn remove(at: &Opened<'_>, args: &RecordsRemove) -> Result<u8, Failure> {
    let typed = match (args.rtype, args.values.as_slice()) {
        (Some(rtype), typed) => values(rtype, typed)?,
        (None, _) => Vec::new(),
    };
    let meant = Meant::new(args.name.as_ref(), args.rtype, &args.filters)?;
    let mut found = meant.find(at).await?;
    if args.rtype.or(args.filters.rtype).is_none() && args.filters.id.is_none() {
        spare_the_zones_own(&mut found);
    }
    let goes = |row: &Row, value: &String| {
        meant.value_fits(row, value) && (typed.is_empty() || typed.iter().any(|typed| is_value(row, value, typed)))
    };
    let all = || found.iter().flat_map(|(_, rows)| rows);
    if let Some(missing) =
        typed.iter().find(|typed| !all().any(|row| row.values.iter().any(|value| is_value(row, value, typed))))
    {
        return Err(refused(format!("{} is not there: nothing was removed", missing)));
    }
    let cut = |row: Row| {
        let stays = row.values.iter().filter(|value| !goes(&row, value)).cloned().collect::<Vec<_>>();
        (stays.len() < row.values.len()).then_some(Cut { row, stays })
    };
    let cuts: Vec<(Zone, Vec<Cut>)> =
        found.into_iter().map(|(zone, rows)| (zone, rows.into_iter().filter_map(cut).collect())).collect();
    if cuts.iter().all(|(_, cuts)| cuts.is_empty()) {
        return Err(meant.nothing(at));
    }
    remove_all(at, &cuts, &args.removing).await
}

/// Leaves out what every zone stands on, which a pattern hardly means: its SOA and the NS records of its own name.
fn spare_the_zones_own(found: &mut [(Zone, Vec<Row>)]) {
    for (zone, rows) in found {
        let is_own = |row: &Row| row.name == zone.name && matches!(row.rtype, RecordType::Ns | RecordType::Soa);
        let (own, rest): (Vec<Row>, Vec<Row>) = std::mem::take(rows).into_iter().partition(is_own);
        *rows = rest;
        if !own.is_empty() {
            let what = print::counted(own.len(), "record");
            print::warning(&format!("{what} of {} itself (NS, SOA) stay: name the type to remove them", zone.name));
        }
    }
}

/// What is removed of a record or a set.
pub(super) struct Cut {
    /// The record.
    pub(super) row: Row,
    /// The values that stay; where there are none it goes as a whole.
    pub(super) stays: Vec<String>,
}

impl Cut {
    /// What is removed, as a record.
    fn gone(&self) -> Row {
        let mut row = self.row.clone();
        row.values.retain(|value| !self.stays.contains(value));
        row
    }

    /// Whether it may be removed, by the service's rules.
    fn check(&self, at: &Opened<'_>, zone: &Zone) -> Answer<()> {
        match self.left() {
            Some(edit) => at.editor.check_change(zone, &self.row, &edit),
            None => at.editor.check_removal(zone, &self.row),
        }
    }

    /// What is left of it, if anything is.
    fn left(&self) -> Option<Edit> {
        let left = || edit(&self.row, self.stays.clone(), &Given::default(), &Attributes::new());
        (!self.stays.is_empty()).then(left)
    }
}

/// Removes what is to go, once a person has agreed.
pub(super) async fn remove_all(at: &Opened<'_>, cuts: &[(Zone, Vec<Cut>)], removing: &Removing) -> Result<u8, Failure> {
    let writing = &removing.writing;
    let all: Vec<(&Zone, &Cut)> =
        cuts.iter().flat_map(|(zone, cuts)| cuts.iter().map(move |cut| (zone, cut))).collect();
    at.warn_of_managed(all.iter().map(|(_, cut)| (&cut.row.name, cut.row.rtype)));
    if !writing.dry_run {
        let what = match all.as_slice() {
            [(_, only)] => named(&only.gone()),
            some => print::counted(some.len(), at.noun()),
        };
        if !removing.yes && all.len() > 1 {
            all.iter().for_each(|(_, cut)| print::error(&format!("to be removed: {}", told_apart(&cut.gone()))));
        }
        if !may_remove(&what, removing.yes)? {
            print::line("nothing was removed");
            return Ok(1);
        }
    }
    let mut outcome = Outcome::written("remove", "removed", writing.dry_run);
    let (mut removed, mut interrupt) = (Vec::new(), None);
    for (zone, cuts) in cuts {
        let answers = if writing.dry_run {
            cuts.iter().map(|cut| cut.check(at, zone)).collect()
        } else {
            take_away(at, zone, cuts, interrupt.get_or_insert_with(Interrupt::listen)).await
        };
        for (cut, answer) in cuts.iter().zip(answers) {
            match answer {
                Ok(()) => removed.push((zone.name.clone(), cut.gone())),
                Err(error) => outcome.failures.push(Failed { what: named(&cut.gone()), error }),
            }
        }
    }
    outcome.interrupted = interrupt.is_some_and(|interrupt| interrupt.heard);
    outcome.records(at, &removed, false, writing.common.json)
}

/// A record with what tells it from another of the same value: its id, its TTL, its priority.
fn told_apart(row: &Row) -> String {
    let id = Some(&row.id).filter(|id| !id.is_empty()).map(|id| format!("id {}", print::tame(id)));
    let ttl = row.ttl.map(|ttl| format!("TTL {ttl}"));
    let priority = row.attributes.get("priority").map(|priority| format!("priority {}", print::tame(priority)));
    let beside: Vec<String> = [ttl, priority, id].into_iter().flatten().collect();
    if beside.is_empty() { named(row) } else { format!("{} ({})", named(row), beside.join(", ")) }
}

/// Whole records are removed together; sets of which values stay are updated. One answer each, in order.
async fn take_away(at: &Opened<'_>, zone: &Zone, cuts: &[Cut], interrupt: &mut Interrupt) -> Vec<Answer<()>> {
    let whole: Vec<Row> = cuts.iter().filter(|cut| cut.stays.is_empty()).map(|cut| cut.row.clone()).collect();
    let partly: Vec<(Row, Edit)> = cuts.iter().filter_map(|cut| Some((cut.row.clone(), cut.left()?))).collect();
    let doing = format!("removing {} of {}", print::counted(cuts.len(), at.noun()), zone.name);
    let (look, silent) = (at.look(), || Err(Error::transient(&doing, "there was no answer for it")));
    let (mut removed, mut updated) = (Vec::new(), Vec::new());
    if !whole.is_empty() {
        let remove = |rows: Vec<Row>| async move { at.editor.remove(zone, &rows).await };
        removed = interrupt.send((&doing, &look), &whole, remove).await;
    }
    if !partly.is_empty() {
        let update = |changes: Vec<(Row, Edit)>| async move { at.editor.update(zone, &changes).await };
        updated = interrupt.send((&doing, &look), &partly, update).await;
    }
    let (mut removed, mut updated) = (removed.into_iter(), updated.into_iter().map(|answer| answer.map(drop)));
    let answer = |cut: &Cut| {
        let next = if cut.stays.is_empty() { removed.next() } else { updated.next() };
        next.unwrap_or_else(silent)
    };
    cuts.iter().map(answer).collect()
}
