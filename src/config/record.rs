//! Records: which names at which accounts hold which addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::document::Spot;
use super::meant::{
    Absent, Account, Address, DEFAULT_ADDRESS, Defaults, InterfaceSource, Record, Source, TtlPolicy, Values,
};
use super::reader::{Field, Fields, Reader, error, warning};
use super::tree::{Node, Table, Value};
use super::{address, derived, publishable, rivals, setting, suggest};
use crate::model::name::Name;
use crate::model::record::{Family, RecordType, Ttl};
use crate::provider::lunanode;

/// How long an absence must have lasted where nothing else is said.
const ABSENT_AFTER: Duration = Duration::from_secs(600);
/// Below so many seconds a time to live is legal (RFC 2181, section 8) and of little use.
const SHORT: u32 = 30;
/// The bounds of how long an absence must have lasted.
const ABSENT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(7 * 86_400));

/// What records refer to.
pub(super) struct Known<'a> {
    /// The accounts that were typed, right or wrong.
    pub accounts: &'a Table,
    /// The addresses that were typed, right or wrong.
    pub typed_addresses: &'a Table,
    /// Those of them that are right.
    pub read: &'a BTreeMap<String, Account>,
    pub addresses: &'a BTreeMap<String, Address>,
    pub defaults: &'a Defaults,
}

/// What records referred to: what nothing refers to is worth a warning.
#[derive(Default)]
pub(super) struct Used {
    pub accounts: BTreeSet<String>,
    pub addresses: BTreeSet<String>,
    /// Where addresses were typed that may not be published: many records may have them from one place.
    pub refused: BTreeSet<Spot>,
}

/// Reads every record, one for each name.
pub(super) fn read(reader: &mut Reader, known: &Known<'_>, records: &[Node]) -> (Vec<Record>, Used) {
    let mut used = Used::default();
    let mut read = Vec::new();
    let mut first = BTreeMap::new();
    let mut declared = BTreeMap::new();
    let mut spots = Vec::new();
    for node in records {
        let Value::Table(table) = &node.value else { continue };
        let Some((names, record)) = one(reader, known, &mut used, node.at, table) else { continue };
        for (at, name) in names {
            let record = Record { name, place: reader.documents.place(at), ..record.clone() };
            check_once(reader, &mut first, &record, at);
            spots.push(at);
            let key = (record.account.clone(), record.name.clone());
            let (_, types) = declared.entry(key).or_insert_with(|| (at, BTreeSet::new()));
            types.extend(record.types());
            read.push(record);
        }
    }
    check_names(reader, known, declared);
    rivals::check(reader, known.read, spots.into_iter().zip(&read));
    (read, used)
}

/// The names of each account, where each is declared first, and all types that are declared of it.
type Declared = BTreeMap<(String, Name), (Spot, BTreeSet<RecordType>)>;

/// A name that the service is known to refuse would be held for ever.
fn check_names(reader: &mut Reader, known: &Known<'_>, declared: Declared) {
    for ((account, name), (at, types)) in declared {
        let Some(account) = known.read.get(&account) else { continue };
        let types: Vec<RecordType> = types.into_iter().collect();
        if let Some(objection) = (account.entry.objects)(&account.settings, &name, &types) {
            let problem = if objection.certain { error(at, objection.why) } else { warning(at, objection.why) };
            reader.note(problem.help(objection.help));
        }
    }
}

/// Names and where each stands.
type Names = Vec<(Spot, Name)>;

fn one(reader: &mut Reader, known: &Known<'_>, used: &mut Used, at: Spot, table: &Table) -> Option<(Names, Record)> {
    let mut fields = Fields::new(table);
    let names = names(reader, at, &mut fields);
    let account = account(reader, known, at, fields.take("account"));
    let (address, below) = address_of(reader, known, fields.take("address"));
    let (ipv4, ipv6) = address::families(reader, &mut fields);
    let typed_ttl = fields.take("ttl");
    let ttl = typed_ttl.and_then(|field| ttl(reader, field)).unwrap_or(known.defaults.ttl);
    let values_field = fields.take("values");
    let values = match values_field.and_then(|field| setting::choice(reader, field, &["ours", "shared", "all"])) {
        Some("all") => Values::Whole,
        Some("shared") => Values::Shared,
        _ => Values::Ours,
    };
    let private = fields.take("private").map(|field| reader.flag(field));
    let vpn = fields.take("vpn").map(|field| reader.flag(field));
    let absent = absent(reader, &mut fields);
    let derived = derived::read(reader, &mut fields);
    fields.finish(reader, "a record");
    check_ttl(reader, known, typed_ttl.map_or(at, |field| field.node.at), account.as_deref(), ttl);
    if let Some(field) = typed_ttl {
        check_ttl_is_kept(reader, known, field.node.at, account.as_deref(), &names, ttl);
    }
    used.accounts.extend(account.clone());
    used.addresses.insert(address.clone());
    let ipv4 = ipv4.or_else(|| below.map(|below| below.ipv4.clone())).unwrap_or(Source::Auto);
    let ipv6 = ipv6.or_else(|| below.map(|below| below.ipv6.clone())).unwrap_or(Source::Auto);
    if let Some(derived) = &derived {
        let spots = names.iter().map(|(at, name)| (*at, name));
        derived::check(
            reader,
            derived,
            spots,
            account.as_deref().and_then(|name| known.read.get(name)),
            [&ipv4, &ipv6],
        );
    } else if ipv4 == Source::Off && ipv6 == Source::Off {
        reader.note(error(at, "nothing would be published: `ipv4` and `ipv6` are both off"));
    }
    if let Some(account) =
        account.as_deref().and_then(|name| known.read.get(name)).filter(|it| it.entry.shape == "push")
    {
        let values_at = values_field.map_or(at, |field| field.node.at);
        one_address_each(reader, account, (values_at, values), at, [("ipv4", &ipv4), ("ipv6", &ipv6)]);
    }
    let (_, name) = names.first()?.clone();
    let private = private.flatten().unwrap_or(false);
    let typed = publishable::Typed { at, table, address: &address };
    let needs = |family| match &derived {
        Some(typed) => typed.derived.value.template.families().any(|needed| needed == family),
        None => true,
    };
    let families = [("ipv4", Family::Ipv4, &ipv4), ("ipv6", Family::Ipv6, &ipv6)];
    let families = families.into_iter().filter(|(_, family, _)| needs(*family)).map(|(key, _, source)| (key, source));
    publishable::check(reader, known, used, &typed, private, families);
    let record = Record {
        name,
        account: account?,
        address,
        ipv4,
        ipv6,
        ttl,
        values,
        derived: derived.map(|typed| typed.derived),
        private,
        vpn: vpn.flatten().unwrap_or(false),
        absent,
        place: None,
    };
    Some((names, record))
}

/// A service that takes an address for a name holds one of each family, and nobody can see whose.
fn one_address_each(
    reader: &mut Reader,
    account: &Account,
    (values_at, values): (Spot, Values),
    at: Spot,
    families: [(&str, &Source); 2],
) {
    let service = account.entry.name;
    if values == Values::Shared {
        let message =
            format!("`values`: {service} holds one address of a family for a name, so that none can be shared");
        reader.note(error(values_at, message));
    }
    for (key, source) in families {
        let (whose, help) = match source {
            Source::All(_) => {
                ("one of each uplink", "{ first_of = [ … ] } publishes that of the first uplink which has one")
            }
            Source::Interface(InterfaceSource { all: true, .. }) => {
                ("all of an interface's", "without `all` it is the interface's best one")
            }
            _ => continue,
        };
        let message = format!("`{key}`: {service} holds one address of a family for a name, not {whose}");
        reader.note(error(at, message).help(help.to_owned()));
    }
}

fn names(reader: &mut Reader, at: Spot, fields: &mut Fields<'_>) -> Names {
    match (fields.take("name"), fields.take("names")) {
        (Some(name), None) => host_name(reader, name).into_iter().collect(),
        (None, Some(names)) => {
            let list = reader.list(names, "a list of names such as [\"a.example.org\", \"b.example.org\"]");
            list.iter().flat_map(|list| list.iter()).filter_map(|item| host_name(reader, names.item(item))).collect()
        }
        (Some(name), Some(names)) => {
            let problem = error(names.at, "a record has either `name` or `names`, not both");
            reader.note(problem.also(name.at, "the other one"));
            Vec::new()
        }
        (None, None) => {
            let help = "add name = \"home.example.org\" or names = [ … ]";
            reader.note(error(at, "the record has no `name`").help(help.to_owned()));
            Vec::new()
        }
    }
}

/// A full name. What has one label, or looks like an address, is a slip.
fn host_name(reader: &mut Reader, field: Field<'_>) -> Option<(Spot, Name)> {
    let name = setting::name(reader, field)?;
    let last = name.as_str().rsplit('.').next().unwrap_or("");
    if last.len() == name.as_str().len() {
        reader.refuse(field, format!("\"{name}\" is one label, not a full name such as {name}.example.org"));
    } else if last.chars().all(|c| c.is_ascii_digit()) {
        reader.refuse(field, format!("\"{name}\" ends in a number, as addresses do and names do not"));
    } else {
        return Some((field.node.at, name));
    }
    None
}

fn account(reader: &mut Reader, known: &Known<'_>, at: Spot, field: Option<Field<'_>>) -> Option<String> {
    let names = || known.accounts.keys().map(String::as_str);
    let Some(field) = field else {
        let problem = error(at, "the record has no `account`");
        reader.note(problem.help(suggest::help("", "known accounts", names())));
        return None;
    };
    let typed = reader.text(field, "the name of an account")?;
    if known.accounts.contains_key(typed) {
        return Some(typed.to_owned());
    }
    let help = suggest::help(typed, "known accounts", names());
    let help = help.unwrap_or_else(|| format!("declare it: [account.{typed}]"));
    reader.note(error(field.node.at, format!("there is no account \"{typed}\"")).help(help));
    None
}

/// The address a record names, and its sources where it is known.
fn address_of<'a>(reader: &mut Reader, known: &Known<'a>, field: Option<Field<'_>>) -> (String, Option<&'a Address>) {
    let typed = field.and_then(|field| reader.text(field, "the name of an address").map(|typed| (field, typed)));
    let Some((field, typed)) = typed else {
        return (DEFAULT_ADDRESS.to_owned(), known.addresses.get(DEFAULT_ADDRESS));
    };
    let found = known.addresses.get(typed);
    if found.is_none() {
        let help = suggest::help(typed, "known addresses", known.addresses.keys().map(String::as_str));
        reader.note(error(field.node.at, format!("there is no address \"{typed}\"")).help(help));
    }
    (typed.to_owned(), found)
}

/// Reads `300` or `"keep"`.
pub(super) fn ttl(reader: &mut Reader, field: Field<'_>) -> Option<TtlPolicy> {
    if field.as_text() == Some("keep") {
        return Some(TtlPolicy::Keep);
    }
    let seconds = reader.number(field, 0, Ttl::MAX, " or \"keep\"")?;
    if seconds < SHORT {
        let message =
            format!("`ttl`: {seconds} s is so short that hardly anyone keeps the answer, and many services refuse it");
        let help = "60 is short enough for an address that changes; \"keep\" leaves what the record has";
        reader.note(warning(field.node.at, message).help(help.to_owned()));
    }
    Ttl::new(seconds).map(TtlPolicy::Set)
}

/// A TTL that the service is known to refuse would hold the record for ever.
fn check_ttl(reader: &mut Reader, known: &Known<'_>, at: Spot, account: Option<&str>, ttl: TtlPolicy) {
    let account = account.and_then(|name| known.read.get(name));
    let (Some(account), TtlPolicy::Set(ttl)) = (account, ttl) else { return };
    let (least, most) = account.entry.ttl;
    if !(least..=most).contains(&ttl.seconds()) {
        let bounds = if most == Ttl::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
        let message = format!("a TTL of {ttl} seconds is refused by {}, which takes {bounds}", account.entry.name);
        reader.note(error(at, message).help(Some("or write ttl = \"keep\"".to_owned())));
    }
}

/// A TTL that was typed for a name that has none at the service is never seen there.
fn check_ttl_is_kept(
    reader: &mut Reader,
    known: &Known<'_>,
    at: Spot,
    account: Option<&str>,
    names: &Names,
    ttl: TtlPolicy,
) {
    let is_luna =
        |name| known.read.get(name).is_some_and(|account: &Account| account.entry.name == lunanode::ENTRY.name);
    if !account.is_some_and(is_luna) || ttl == TtlPolicy::Keep {
        return;
    }
    if let Some((_, name)) = names.iter().find(|(_, name)| lunanode::is_lent(name)) {
        let help = "leave `ttl` out, or write ttl = \"keep\"".to_owned();
        reader.note(warning(at, format!("{name} has no TTL of its own at LunaNode: this has no effect")).help(help));
    }
}

fn absent(reader: &mut Reader, fields: &mut Fields<'_>) -> Absent {
    let word = fields.take("absent").map(|field| setting::choice(reader, field, &["keep", "remove"]));
    let (least, most) = ABSENT;
    let field = fields.take("absent_after");
    let after = field.and_then(|field| reader.duration(field, least, most));
    match (word.flatten(), field) {
        (Some("remove"), _) => Absent::Remove { after: after.unwrap_or(ABSENT_AFTER) },
        (_, Some(field)) => {
            // With an `absent` that could not be read there is nothing to say.
            if word.is_none_or(|word| word.is_some()) {
                reader.note(error(field.at, "`absent_after` has no effect without absent = \"remove\""));
            }
            Absent::Keep
        }
        _ => Absent::Keep,
    }
}

/// Notes a name and type that the same account has twice: two wants cannot both hold.
fn check_once(reader: &mut Reader, first: &mut BTreeMap<(Name, RecordType, String), Spot>, record: &Record, at: Spot) {
    let mut twice: Vec<RecordType> = Vec::new();
    let mut other = None;
    for rtype in record.types() {
        let key = (record.name.clone(), rtype, record.account.clone());
        match first.get(&key) {
            Some(before) => {
                twice.push(rtype);
                other = Some(*before);
            }
            None => {
                first.insert(key, at);
            }
        }
    }
    if let Some(other) = other {
        let types: Vec<&str> = twice.iter().map(|rtype| rtype.as_str()).collect();
        let is = if twice.len() > 1 { "are" } else { "is" };
        let (types, account) = (types.join(" and "), &record.account);
        let message = format!("{types} of {} {is} declared twice at the account \"{account}\"", record.name);
        reader.note(error(at, message).also(other, "first declared here"));
    }
}
