//! Record sets that two accounts would both write at one place: each would undo for ever what the other one wrote.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::document::Spot;
use super::meant::{Account, Derived, Record, Values};
use super::reader::{Reader, error, warning};
use crate::model::name::Name;
use crate::model::record::RecordType;
use crate::net::http::shown;
use crate::os::file;
use crate::provider::setting::{Kind, Setting};

/// How certain it is that two accounts write at one place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sure {
    /// It is the same file, or the same login at the same service.
    Certain,
    /// Nothing but their secrets tells them apart, and two secrets may be of one login; or they have the same secret.
    Doubtful,
}

/// Pairs of accounts, the first name before the second one, that write at one place.
type Pairs<'a> = BTreeMap<(&'a str, &'a str), Sure>;

/// Notes every record set that stands in two accounts that write at one place, unless each of them leaves alone what the other one
/// writes. What one account has twice was noted before.
pub(super) fn check<'a>(
    reader: &mut Reader,
    accounts: &BTreeMap<String, Account>,
    records: impl Iterator<Item = (Spot, &'a Record)>,
) {
    let pairs = pairs(accounts);
    if pairs.is_empty() {
        return;
    }
    let mut written: BTreeMap<(&Name, RecordType), Vec<(Spot, &Record)>> = BTreeMap::new();
    for (at, record) in records {
        let mut found: Option<(Spot, &Record, Sure)> = None;
        let mut types = Vec::new();
        for rtype in record.types() {
            let others = written.entry((&record.name, rtype)).or_default();
            let rival = others.iter().find_map(|(at, other)| {
                let sure = pairs.get(&sorted(&other.account, &record.account))?;
                (!bear_each_other(other, record)).then_some((*at, *other, *sure))
            });
            if let Some(rival) = rival {
                types.push(rtype.as_str());
                found = Some(rival);
            }
            others.push((at, record));
        }
        if let (Some(rival), Some(account)) = (found, accounts.get(&record.account)) {
            note(reader, at, record, &types, rival, account);
        }
    }
}

fn note(
    reader: &mut Reader,
    at: Spot,
    record: &Record,
    types: &[&str],
    (before, other, sure): (Spot, &Record, Sure),
    account: &Account,
) {
    let is = if types.len() > 1 { "are" } else { "is" };
    let what = format!("{} of {} {is}", types.join(" and "), record.name);
    let (one, two) = (&other.account, &record.account);
    let (problem, help) = match sure {
        Sure::Certain => {
            let same = match file_of(account) {
                Some((key, path)) => format!("the same file by `{key}`, {}", path.display()),
                None => format!("the same login at {}", account.entry.name),
            };
            let message = format!(
                "{what} written by two accounts, \"{one}\" and \"{two}\", which are {same}: each would undo what the other one wrote"
            );
            let help =
                "leave one of the two records out; for both values under one name write values = \"shared\" in both";
            (error(at, message), help)
        }
        Sure::Doubtful => {
            let message = format!(
                "{what} written by two accounts, \"{one}\" and \"{two}\", which may be one login at {}: then each undoes what the other \
                 one wrote",
                account.entry.name
            );
            (warning(at, message), "if they are, leave one of the two records out")
        }
    };
    reader.note(problem.also(before, "first declared here").help(help.to_owned()));
}

/// The accounts that write at one place.
fn pairs(accounts: &BTreeMap<String, Account>) -> Pairs<'_> {
    let places: Vec<_> = accounts.values().map(|account| (account, Place::of(account))).collect();
    let mut pairs = Pairs::new();
    for (at, (one, place)) in places.iter().enumerate() {
        for (two, other) in places.iter().skip(at + 1) {
            if let Some(sure) = same(one, place, two, other) {
                pairs.insert((one.name.as_str(), two.name.as_str()), sure);
            }
        }
    }
    pairs
}

fn sorted<'a>(one: &'a str, two: &'a str) -> (&'a str, &'a str) {
    if one <= two { (one, two) } else { (two, one) }
}

/// Where an account writes.
#[derive(PartialEq, Eq)]
enum Place {
    /// Into a file that is replaced as a whole.
    File(PathBuf),
    /// At a service, as the login that these settings name.
    Service {
        /// All of them but secrets and details.
        login: Vec<u8>,
        /// Those that say where the service is.
        servers: Vec<Option<String>>,
    },
}

impl Place {
    fn of(account: &Account) -> Self {
        if let Some((_, path)) = file_of(account) {
            return Self::File(path);
        }
        let urls = account.entry.settings.iter().filter(|setting| setting.kind == Kind::Url);
        Self::Service {
            login: account.settings.identity(account.entry.settings),
            servers: urls.map(|setting| account.settings.url(setting.name).map(shown)).collect(),
        }
    }
}

/// The file that an account replaces, links followed, and the key that names it.
fn file_of(account: &Account) -> Option<(&'static str, PathBuf)> {
    let replaced = account.entry.settings.iter().find(|setting| setting.kind == Kind::Replaced)?;
    Some((replaced.name, file::resolved(account.settings.path(replaced.name)?)))
}

fn same(one: &Account, place: &Place, two: &Account, other: &Place) -> Option<Sure> {
    if one.entry.name != two.entry.name {
        return None;
    }
    match (place, other) {
        (Place::File(one), Place::File(two)) => (one == two).then_some(Sure::Certain),
        (Place::Service { login, servers }, Place::Service { login: other, servers: others }) => {
            let secrets = secrets_are_same(one, two);
            match (login == other, servers == others, secrets) {
                // With the same user, domain or project another password is another key to the same door.
                (true, _, Some(true)) => Some(Sure::Certain),
                (true, ..) => Some(if names_login(one) { Sure::Certain } else { Sure::Doubtful }),
                // One key to two doors.
                (false, true, Some(true)) => Some(Sure::Doubtful),
                (false, ..) => None,
            }
        }
        _ => None,
    }
}

/// Whether two accounts of one provider have the same secrets; `None` where neither has any.
fn secrets_are_same(one: &Account, two: &Account) -> Option<bool> {
    let secrets = one.entry.settings.iter().filter(|setting| setting.kind == Kind::Secret);
    let pairs = secrets.map(|setting| (one.settings.secret(setting.name), two.settings.secret(setting.name)));
    let same = pairs.filter_map(|pair| match pair {
        (Some(one), Some(two)) => Some(one.is_same(two)),
        (None, None) => None,
        _ => Some(false),
    });
    same.reduce(|all, same| all && same)
}

/// Whether a setting of an account, beside its secrets, says whose login it is.
fn names_login(account: &Account) -> bool {
    let says = |setting: &Setting| {
        let is_word = matches!(setting.kind, Kind::Text | Kind::Texts | Kind::Name);
        let (text, texts) = (account.settings.text(setting.name), account.settings.texts(setting.name));
        is_word && setting.tells_apart && (text.is_some() || texts.is_some())
    };
    account.entry.settings.iter().any(says)
}

/// Whether two records under one name leave each other's values alone: both let strangers' values stand and take none of them for
/// their own, and a value that must stand alone of its kind is not the other one's kind.
fn bear_each_other(one: &Record, two: &Record) -> bool {
    let joins = |record: &Record| match (&record.values, &record.derived) {
        (Values::Whole, _) => false,
        (Values::Shared, _) => true,
        (Values::Ours, derived) => derived.as_ref().is_some_and(|derived| derived.rtype.is_text()),
    };
    let apart = match (&one.derived, &two.derived) {
        (Some(one), Some(two)) => !claims(one, two) && !claims(two, one),
        _ => true,
    };
    joins(one) && joins(two) && apart
}

/// Whether `one` takes a value of `two` for its own, or cannot stand beside it.
fn claims(one: &Derived, two: &Derived) -> bool {
    let kind = |derived: &Derived| derived.value.tag.as_deref().map(str::to_ascii_lowercase);
    let owns = one.value.owns.as_deref().is_some_and(|owns| two.sample().starts_with(owns));
    owns || kind(one).is_some_and(|tag| kind(two) == Some(tag))
}
