//! The commands that edit zones and records by hand: what can be typed, and who carries it out.

use clap::{Args, Subcommand};

use crate::app::{Failure, Loaded};
use crate::model::name::Name;
use crate::model::record::{RecordType, Ttl};

mod account;
mod ask;
mod choose;
mod dynamic;
mod records;
mod remove;
mod template;
#[cfg(test)]
mod tests;
pub(super) mod typed;
mod view;
mod zones;

use typed::{known_type, pair, rtype, ttl, variable};

/// Zones by hand.
#[derive(Debug, Subcommand)]
pub(super) enum ZonesCommand {
    /// List the zones of an account
    List(ZonesList),
    /// Add a zone
    Add(ZonesAdd),
    /// Remove a zone with everything in it
    Remove(ZonesRemove),
}

/// Records by hand.
#[derive(Debug, Subcommand)]
pub(super) enum RecordsCommand {
    /// List the records of a zone, or of all zones
    List(RecordsList),
    /// Show everything that the service says of a record
    Show(RecordsShow),
    /// Add records: one for each value where the service keeps records, one set where it keeps sets
    Add(RecordsAdd),
    /// Change a record: its values, its TTL or its attributes; what is not named stays
    Update(RecordsUpdate),
    /// Remove records, or single values
    Remove(RecordsRemove),
    /// Show which attributes records and zones may be given with --set
    Attributes(AttributesShow),
}

/// Names under lndyn.com, which LunaNode lends its customers.
#[derive(Debug, Subcommand)]
pub(super) enum DynCommand {
    /// List the names
    List(DynList),
    /// Add a name
    Add(DynAdd),
    /// Give a name another address
    Update(DynUpdate),
    /// Remove a name
    Remove(DynRemove),
}

/// What only PocketDNS can do.
#[derive(Debug, Subcommand)]
pub(super) enum PocketdnsCommand {
    /// Apply one of PocketDNS's templates to a zone
    Template(TemplateApply),
}

/// What every one of these commands takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// The account, by its name in the configuration; may be left out where only one can be meant
    #[arg(short, long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What every command takes that writes.
#[derive(Debug, Args)]
pub(super) struct Writing {
    #[command(flatten)]
    common: Common,
    /// Show what would be done; read, but write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What every command takes that removes.
#[derive(Debug, Args)]
pub(super) struct Removing {
    #[command(flatten)]
    writing: Writing,
    /// Remove without asking; needed where nobody can be asked
    #[arg(short, long)]
    yes: bool,
}

/// Which records are meant; `*` stands for any characters.
#[derive(Debug, Default, Args)]
pub(super) struct Filters {
    /// The zone; without it the one with the longest name that the record's name ends in
    #[arg(short, long)]
    zone: Option<Name>,
    /// Only names that fit (`*.example.org`)
    #[arg(long = "name", id = "name_filter", value_name = "PATTERN")]
    name: Option<String>,
    /// Only this type
    #[arg(long = "type", id = "type_filter", value_name = "TYPE", value_parser = known_type)]
    rtype: Option<RecordType>,
    /// Only values that fit (`192.0.2.*`)
    #[arg(long = "value", id = "value_filter", value_name = "PATTERN")]
    value: Option<String>,
    /// Only the record with this id of the service's
    #[arg(long)]
    id: Option<String>,
}

/// What a record may be given beside its values.
#[derive(Debug, Default, Args)]
pub(super) struct Given {
    /// Its time to live, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = ttl)]
    ttl: Option<Ttl>,
    /// Its priority (MX, SRV)
    #[arg(long, value_name = "NUMBER")]
    priority: Option<u16>,
    /// Its weight among the records of its name and type
    #[arg(long, value_name = "NUMBER")]
    weight: Option<u32>,
    /// An attribute of the service's; one that does not exist gets the list of those that do
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct ZonesList {
    #[command(flatten)]
    common: Common,
    /// Only names that fit (`*.org`)
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ZonesAdd {
    /// The zone's name
    name: Name,
    #[command(flatten)]
    writing: Writing,
    /// The zone's time to live, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = ttl)]
    ttl: Option<Ttl>,
    /// The address of who is responsible for the zone
    #[arg(long)]
    email: Option<String>,
    /// An attribute of the service's; one that does not exist gets the list of those that do
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct ZonesRemove {
    /// The zone's name
    name: Name,
    #[command(flatten)]
    removing: Removing,
    /// Only if it has this id of the service's
    #[arg(long)]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct RecordsList {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    filters: Filters,
    /// Show the ids too, which stand in the table only where they are short
    #[arg(long)]
    ids: bool,
}

#[derive(Debug, Args)]
pub(super) struct RecordsShow {
    /// The record's name
    #[arg(value_name = "NAME")]
    name: Option<Name>,
    /// Its type
    #[arg(value_name = "TYPE", value_parser = rtype)]
    rtype: Option<RecordType>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    filters: Filters,
}

#[derive(Debug, Args)]
pub(super) struct RecordsAdd {
    /// The record's name
    #[arg(value_name = "NAME")]
    name: Name,
    /// Its type
    #[arg(value_name = "TYPE", value_parser = rtype)]
    rtype: RecordType,
    /// Its values
    #[arg(required = true, value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    writing: Writing,
    /// The zone; without it the one with the longest name that the record's name ends in
    #[arg(short, long)]
    zone: Option<Name>,
    #[command(flatten)]
    given: Given,
}

#[derive(Debug, Args)]
pub(super) struct RecordsUpdate {
    /// The record's name
    #[arg(value_name = "NAME")]
    name: Option<Name>,
    /// Its type
    #[arg(value_name = "TYPE", value_parser = rtype)]
    rtype: Option<RecordType>,
    /// Its new values; without them it keeps those that it has
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    writing: Writing,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    given: Given,
}

#[derive(Debug, Args)]
pub(super) struct RecordsRemove {
    /// The record's name
    #[arg(value_name = "NAME")]
    name: Option<Name>,
    /// Its type
    #[arg(value_name = "TYPE", value_parser = rtype)]
    rtype: Option<RecordType>,
    /// The values that go; all of them where none is named
    #[arg(value_name = "VALUE")]
    values: Vec<String>,
    #[command(flatten)]
    removing: Removing,
    #[command(flatten)]
    filters: Filters,
}

#[derive(Debug, Args)]
pub(super) struct AttributesShow {
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
pub(super) struct TemplateApply {
    /// The zone
    zone: Name,
    /// The template's id (`tpl_website_basic`)
    template: String,
    #[command(flatten)]
    writing: Writing,
    /// Apply it without asking; needed where nobody can be asked
    #[arg(short, long)]
    yes: bool,
    /// A variable of the template (`ip_address=192.0.2.1`)
    #[arg(long, value_name = "KEY=VALUE", value_parser = variable)]
    set: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(super) struct DynList {
    #[command(flatten)]
    common: Common,
    /// Only names that fit (`home*`)
    #[arg(long, value_name = "PATTERN")]
    name: Option<String>,
    /// Only addresses that fit (`192.0.2.*`)
    #[arg(long, value_name = "PATTERN")]
    value: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DynAdd {
    /// The name, with or without .lndyn.com
    name: Name,
    /// Its address
    address: std::net::IpAddr,
    #[command(flatten)]
    writing: Writing,
}

#[derive(Debug, Args)]
pub(super) struct DynUpdate {
    /// The name, with or without .lndyn.com
    name: Name,
    /// Its new address
    address: std::net::IpAddr,
    #[command(flatten)]
    writing: Writing,
    /// Only if it has this id of the service's
    #[arg(long)]
    id: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct DynRemove {
    /// The name, with or without .lndyn.com
    name: Name,
    #[command(flatten)]
    removing: Removing,
    /// Only if it has this id of the service's
    #[arg(long)]
    id: Option<String>,
}

/// Any of these commands.
#[derive(Clone, Copy)]
pub(super) enum Editing<'a> {
    Zones(&'a ZonesCommand),
    Records(&'a RecordsCommand),
    Dyn(&'a DynCommand),
    Pocketdns(&'a PocketdnsCommand),
}

impl Editing<'_> {
    /// Whether it is to print JSON.
    pub(super) fn json(self) -> bool {
        match self {
            Self::Zones(ZonesCommand::List(args)) => args.common.json,
            Self::Zones(ZonesCommand::Add(args)) => args.writing.common.json,
            Self::Zones(ZonesCommand::Remove(args)) => args.removing.writing.common.json,
            Self::Records(RecordsCommand::List(args)) => args.common.json,
            Self::Records(RecordsCommand::Show(args)) => args.common.json,
            Self::Records(RecordsCommand::Add(args)) => args.writing.common.json,
            Self::Records(RecordsCommand::Update(args)) => args.writing.common.json,
            Self::Records(RecordsCommand::Remove(args)) => args.removing.writing.common.json,
            Self::Records(RecordsCommand::Attributes(args)) => args.common.json,
            Self::Pocketdns(PocketdnsCommand::Template(args)) => args.writing.common.json,
            Self::Dyn(DynCommand::List(args)) => args.common.json,
            Self::Dyn(DynCommand::Add(args)) => args.writing.common.json,
            Self::Dyn(DynCommand::Update(args)) => args.writing.common.json,
            Self::Dyn(DynCommand::Remove(args)) => args.removing.writing.common.json,
        }
    }

    /// Whether it changes something.
    pub(super) fn writes(self) -> bool {
        let writing = match self {
            Self::Zones(ZonesCommand::Add(args)) => &args.writing,
            Self::Zones(ZonesCommand::Remove(args)) => &args.removing.writing,
            Self::Records(RecordsCommand::Add(args)) => &args.writing,
            Self::Records(RecordsCommand::Update(args)) => &args.writing,
            Self::Records(RecordsCommand::Remove(args)) => &args.removing.writing,
            Self::Pocketdns(PocketdnsCommand::Template(args)) => &args.writing,
            Self::Dyn(DynCommand::Add(args)) => &args.writing,
            Self::Dyn(DynCommand::Update(args)) => &args.writing,
            Self::Dyn(DynCommand::Remove(args)) => &args.removing.writing,
            Self::Zones(ZonesCommand::List(_))
            | Self::Records(RecordsCommand::List(_) | RecordsCommand::Show(_) | RecordsCommand::Attributes(_))
            | Self::Dyn(DynCommand::List(_)) => return false,
        };
        !writing.dry_run
    }

    /// Carries it out.
    pub(super) async fn run(self, loaded: &Loaded) -> Result<u8, Failure> {
        match self {
            Self::Zones(command) => zones::run(loaded, command).await,
            Self::Records(command) => records::run(loaded, command).await,
            Self::Dyn(command) => dynamic::run(loaded, command).await,
            Self::Pocketdns(PocketdnsCommand::Template(args)) => template::apply(loaded, args).await,
        }
    }
}
