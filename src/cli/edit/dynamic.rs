//! `dyn`: the names under lndyn.com that LunaNode lends its customers, each with one address.

use std::net::IpAddr;

use super::account::{For, Opened, mistyped, refused};
use super::choose::rows;
use super::records::{add_to, change_all};
use super::remove::{Cut, remove_all};
use super::view::Outcome;
use super::{DynAdd, DynCommand, DynList, DynRemove, DynUpdate};
use crate::app::{Failure, Loaded};
use crate::config;
use crate::model::name::Name;
use crate::model::record::Family;
use crate::provider::edit::{Attributes, Edit, Filter, Row};
use crate::provider::lunanode;
use crate::provider::shape::zones::Zone;

const DYN: For =
    For { fits: |entry| entry.name == lunanode::ENTRY.name, what: "names under lndyn.com", command: "dyn" };

pub(super) async fn run(loaded: &Loaded, command: &DynCommand) -> Result<u8, Failure> {
    match command {
        DynCommand::List(args) => list(loaded, args).await,
        DynCommand::Add(args) => add(loaded, args).await,
        DynCommand::Update(args) => update(loaded, args).await,
        DynCommand::Remove(args) => remove(loaded, args).await,
    }
}

fn zone() -> Result<Zone, Failure> {
    lunanode::lndyn().map_err(|why| refused(why.to_string()))
}

/// The name in full: typed with or without the domain.
fn full(zone: &Zone, typed: &Name) -> Result<Name, Failure> {
    if typed.is_within(&zone.name) {
        return Ok(typed.clone());
    }
    if typed.as_str().contains('.') {
        return Err(mistyped(format!("{typed} does not lie in {}", zone.name)));
    }
    Name::parse(&format!("{typed}.{}", zone.name)).map_err(|why| mistyped(why.to_string()))
}

fn edit(name: Name, address: IpAddr) -> Edit {
    let rtype = Family::of(address).record_type();
    Edit { name, rtype, values: vec![address.to_string()], ttl: None, attributes: Attributes::new() }
}

async fn list(loaded: &Loaded, args: &DynList) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.common.account.as_deref(), DYN)?;
    let zone = zone()?;
    // A pattern without a dot is one of labels.
    let in_full = |pattern: &String| {
        if pattern.contains('.') { pattern.clone() } else { format!("{pattern}.{}", zone.name) }
    };
    let filter = Filter { name: args.name.as_ref().map(in_full), value: args.value.clone(), ..Filter::default() };
    let found = rows(&at, &zone, &filter).await?;
    let found: Vec<_> = found.into_iter().map(|row| (zone.name.clone(), row)).collect();
    Outcome::shown("list").records(&at, &found, true, args.common.json)
}

async fn add(loaded: &Loaded, args: &DynAdd) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.writing.common.account.as_deref(), DYN)?;
    let zone = zone()?;
    let name = full(&zone, &args.name)?;
    add_to(&at, &zone, &edit(name, args.address), &args.writing).await
}

async fn update(loaded: &Loaded, args: &DynUpdate) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.writing.common.account.as_deref(), DYN)?;
    let zone = zone()?;
    let (name, row) = find(&at, &zone, &args.name, args.id.as_ref()).await?;
    change_all(&at, vec![(zone, vec![(row, edit(name, args.address))])], &args.writing).await
}

async fn remove(loaded: &Loaded, args: &DynRemove) -> Result<u8, Failure> {
    let at = Opened::find(loaded, args.removing.writing.common.account.as_deref(), DYN)?;
    let zone = zone()?;
    let (_, row) = find(&at, &zone, &args.name, args.id.as_ref()).await?;
    remove_all(&at, &[(zone, vec![Cut { row, stays: Vec::new() }])], &args.removing).await
}

/// The entry of a name, with the id that is expected.
async fn find(at: &Opened<'_>, zone: &Zone, typed: &Name, id: Option<&String>) -> Result<(Name, Row), Failure> {
    let name = full(zone, typed)?;
    let all = rows(at, zone, &Filter::default()).await?;
    let Some(row) = all.iter().find(|row| row.name == name) else {
        let hint = config::suggest(name.as_str(), "it has", all.iter().map(|row| row.name.as_str()));
        return Err(refused(format!("the account {} has no name {name}{hint}", at.account.name)));
    };
    match id {
        Some(id) if *id != row.id => Err(refused(format!("{name} has not the id {id}; it has {}", row.id))),
        _ => Ok((name, row.clone())),
    }
}
