//! LunaNode by hand: hosted zones with every parameter of their records, and the names under lndyn.com as a zone of their own.
//!
//! Source: LunaNode's page on DNS. `priority` is its `aux`; the other attributes have its own names. An edit
//! (`orig_record_id`) forgets what it is not told, so a record is read before it is edited and everything is sent again.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::api::{DEFAULT_TTL, Fields, HostedRecord, HostedZone};
use super::{LNDYN, LunaNode, hosted_record};
use crate::model::error::{Error, Result};
use crate::model::name::Name;
use crate::model::record::{RecordType, RrsetKey, Ttl, Value};
use crate::provider::edit::rules::{ANY_TTL, Rules, beside_priority, together};
use crate::provider::edit::{Attribute, Attributes, Edit, Editor, Filter, Row, ZoneRow, cannot};
use crate::provider::shape::records::{Draft, Record};
use crate::provider::shape::zones::Zone;

/// The types that `dns2/record-add` takes.
const RULES: Rules<'_> = Rules {
    service: "LunaNode",
    types: &[
        RecordType::A,
        RecordType::Aaaa,
        RecordType::Alias,
        RecordType::Cname,
        RecordType::Mx,
        RecordType::Ns,
        RecordType::Spf,
        RecordType::Srv,
        RecordType::Txt,
    ],
    ttl: ANY_TTL,
};

/// What `dns2/zone-add` is told where no TTL is given, in seconds.
const ZONE_TTL: &str = "3600";

/// What an error text calls the service's whole numbers.
const NUMBER: &str = "a whole number";

const ATTRIBUTES: &[Attribute] = &[
    Attribute { name: "continent", help: "The continent that the record is for (policy region)." },
    Attribute { name: "country", help: "The country that the record is for (policy region)." },
    Attribute {
        name: "global",
        help: "\"no\" takes the record out of the global group (policy region); \"yes\" puts it back.",
    },
    Attribute { name: "latitude", help: "Where the record is, -90 to 90 degrees (policy latlong)." },
    Attribute { name: "longitude", help: "Where the record is, -180 to 180 degrees (policy latlong)." },
    Attribute { name: "monitor_id", help: "The monitor check that disables the record when it fails; 0 for none." },
    Attribute { name: "policy", help: "none, latlong or region." },
    Attribute { name: "priority", help: "The priority of MX and SRV, 0 to 65535." },
    Attribute { name: "region", help: "The region that the record is for (policy region)." },
    Attribute { name: "regiongroup", help: "The group of regions that the record is for (policy region)." },
    Attribute { name: "weight", help: "How often the record is chosen beside others of its name and type; 0: always." },
];

const ZONE_ATTRIBUTES: &[Attribute] =
    &[Attribute { name: "ttl", help: "The zone's time to live in seconds, 3600 unless given." }];

#[async_trait]
impl Editor for LunaNode {
    fn attributes(&self) -> &'static [Attribute] {
        ATTRIBUTES
    }

    fn is_unsaid(&self, name: &str, value: &str) -> bool {
        let nothing = |value: &str| value.parse::<f64>().is_ok_and(|number| number == 0.0);
        match name {
            "latitude" | "longitude" | "monitor_id" | "weight" => is_default(name, value) || nothing(value),
            "policy" => is_default(name, value) || value == "none",
            _ => is_default(name, value),
        }
    }

    fn zone_attributes(&self) -> &'static [Attribute] {
        ZONE_ATTRIBUTES
    }

    fn check(&self, zone: &Zone, edit: &Edit) -> Result<()> {
        if !self.is_lndyn(zone) {
            return fields_of_all(zone, edit).map(drop).map_err(self.doing("checking", key(edit)));
        }
        let checked = if edit.ttl.is_some() || !edit.attributes.is_empty() {
            Err(cannot("preparing the request", format!("names under {LNDYN} have neither a TTL nor attributes")))
        } else {
            lndyn_draft(edit).and_then(|draft| self.lndyn_entry(&draft).map(drop))
        };
        checked.map_err(self.doing("checking", key(edit)))
    }

    fn check_beside(&self, zone: &Zone, edit: &Edit, held: &[Row]) -> Result<()> {
        let Some(row) = held.iter().find(|row| self.is_lndyn(zone) && row.values != edit.values) else { return Ok(()) };
        let why =
            format!("the name is there and holds {}; names under {LNDYN} hold one address", row.values.join(", "));
        Err(cannot(format!("adding {}", edit.name), why).hint("driftless dyn update gives it another").unsent())
    }

    fn check_zone(&self, name: &Name, attributes: &Attributes) -> Result<()> {
        self.zone_ttl(name, attributes).map(drop).map_err(self.doing("adding the zone", name))
    }

    fn check_zone_removal(&self, zone: &Zone) -> Result<()> {
        if self.is_lndyn(zone) {
            let why = "the domain is LunaNode's; driftless dyn remove removes a name of yours";
            return Err(self.doing("removing the zone", &zone.name)(cannot("preparing the request", why)));
        }
        Ok(())
    }

    async fn zones(&self) -> Result<Vec<ZoneRow>> {
        let hosted = self.api.zone_list().await.map_err(self.doing("listing", "the zones"))?;
        let mut zones: Vec<ZoneRow> = hosted.into_iter().filter_map(zone_row).collect();
        let kind = [("kind".to_owned(), "lent".to_owned())].into();
        zones.push(ZoneRow { zone: self.lndyn.clone(), attributes: kind });
        zones.sort_by(|one, other| one.zone.name.cmp(&other.zone.name));
        Ok(zones)
    }

    async fn add_zone(&self, name: &Name, attributes: &Attributes) -> Result<ZoneRow> {
        let doing = || self.doing("adding the zone", name);
        let ttl = self.zone_ttl(name, attributes).map_err(doing())?;
        self.api.zone_add(name.as_str(), ttl).await.map_err(doing())?;
        let zones = self.zones().await?;
        let added = zones.into_iter().find(|row| row.zone.name == *name);
        added.ok_or_else(|| doing()(Error::transient("listing the zones", "it was accepted and is not listed yet")))
    }

    async fn remove_zone(&self, zone: &Zone) -> Result<()> {
        self.check_zone_removal(zone)?;
        self.api.zone_remove(&zone.id).await.map_err(self.doing("removing the zone", &zone.name))
    }

    async fn rows(&self, zone: &Zone, filter: &Filter) -> Result<Vec<Row>> {
        let rows = self.all_rows(zone).await.map_err(self.doing("reading the zone", &zone.name))?;
        Ok(rows.into_iter().filter(|row| filter.fits(row)).collect())
    }

    async fn row(&self, zone: &Zone, id: &str) -> Result<Row> {
        // The service has no operation that shows one.
        let rows = self.all_rows(zone).await.map_err(self.doing("reading the zone", &zone.name))?;
        rows.into_iter().find(|row| row.id == id).ok_or_else(|| {
            self.doing("reading the zone", &zone.name)(cannot(
                "listing",
                format!("there is no record with the id {id}"),
            ))
        })
    }

    async fn add(&self, zone: &Zone, edits: &[Edit]) -> Vec<Result<Vec<Row>>> {
        let mut outcomes = Vec::with_capacity(edits.len());
        for edit in edits {
            outcomes.push(match self.check(zone, edit) {
                Ok(()) if self.is_lndyn(zone) => self.add_dyn(edit).await,
                Ok(()) => self.add_hosted(zone, edit).await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    async fn update(&self, zone: &Zone, changes: &[(Row, Edit)]) -> Vec<Result<Row>> {
        let listed = if self.is_lndyn(zone) { Ok(Vec::new()) } else { self.api.record_list(&zone.id).await };
        let listed = listed.map_err(self.doing("reading the zone", &zone.name));
        let mut outcomes = Vec::with_capacity(changes.len());
        for (row, edit) in changes {
            outcomes.push(match (self.check(zone, edit), &listed) {
                (Err(error), _) => Err(error),
                (Ok(()), Err(error)) => Err(error.clone()),
                (Ok(()), Ok(_)) if self.is_lndyn(zone) => self.update_dyn(row, edit).await,
                (Ok(()), Ok(listed)) => self.update_hosted(zone, listed, row, edit).await,
            });
        }
        outcomes
    }

    async fn remove(&self, zone: &Zone, rows: &[Row]) -> Vec<Result<()>> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            let removed = if self.is_lndyn(zone) {
                self.api.dyn_remove(&row.id).await
            } else {
                self.api.record_remove(&zone.id, &row.id).await
            };
            outcomes.push(removed.map_err(self.doing("removing", RrsetKey::new(row.name.clone(), row.rtype))));
        }
        outcomes
    }
}

impl LunaNode {
    /// The TTL of a zone that may be added.
    fn zone_ttl(&self, name: &Name, attributes: &Attributes) -> Result<Ttl> {
        let refuse = |why: String| cannot("preparing the request", why);
        if name.is_within(&self.lndyn.name) {
            let why = format!("names under {LNDYN} are no zones of their own; driftless dyn add makes one name");
            return Err(refuse(why));
        }
        let ttl = attributes.get("ttl").map_or(ZONE_TTL, String::as_str);
        let known = ttl.parse().ok().and_then(Ttl::new);
        known.ok_or_else(|| refuse(format!("a TTL is a number of seconds, unlike \"{ttl}\"")))
    }

    async fn all_rows(&self, zone: &Zone) -> Result<Vec<Row>> {
        if self.is_lndyn(zone) {
            return Ok(self.lndyn_records().await?.into_iter().map(lndyn_row).collect());
        }
        let listed = self.api.record_list(&zone.id).await?;
        Ok(listed.into_iter().filter_map(|listed| hosted_row(zone, listed)).collect())
    }

    async fn add_dyn(&self, edit: &Edit) -> Result<Vec<Row>> {
        let doing = || self.doing("adding", key(edit));
        let draft = lndyn_draft(edit).map_err(doing())?;
        let told = self.lndyn_create(&draft).await.map_err(doing())?;
        // Whether the service tells the id of what was added is not documented.
        let id = match told {
            Some(id) => id,
            None => self.lndyn_id(&edit.name).await.map_err(doing())?,
        };
        Ok(vec![row(id, edit, edit.values.clone(), None, Attributes::new())])
    }

    async fn lndyn_id(&self, name: &Name) -> Result<String> {
        let held = self.lndyn_records().await?;
        let held = held.into_iter().find(|record| record.name == *name).map(|record| record.id);
        held.ok_or_else(|| Error::transient("listing the names", "it was accepted and is not listed yet"))
    }

    async fn update_dyn(&self, before: &Row, edit: &Edit) -> Result<Row> {
        let update = async {
            let draft = lndyn_draft(edit)?;
            let (label, address) = self.lndyn_entry(&draft)?;
            self.api.dyn_update(&before.id, label, address).await
        };
        update.await.map_err(self.doing("updating", key(edit)))?;
        Ok(row(before.id.clone(), edit, edit.values.clone(), None, Attributes::new()))
    }

    async fn add_hosted(&self, zone: &Zone, edit: &Edit) -> Result<Vec<Row>> {
        let doing = || self.doing("adding", key(edit));
        let mut added = Vec::new();
        for fields in fields_of_all(zone, edit).map_err(doing())? {
            let id = self.api.record_add(&zone.id, &fields, None).await.map_err(doing())?;
            added.push(row_of_fields(id.unwrap_or_default(), edit, fields));
        }
        Ok(added)
    }

    async fn update_hosted(&self, zone: &Zone, listed: &[HostedRecord], before: &Row, edit: &Edit) -> Result<Row> {
        let doing = || self.doing("updating", key(edit));
        let held = listed.iter().find(|record| record.id == before.id);
        let held = held.ok_or_else(|| doing()(Error::stale("looking it up", "the record is no longer there")))?;
        let [mut fields] = <[Fields; 1]>::try_from(fields_of_all(zone, edit).map_err(doing())?)
            .map_err(|_| doing()(cannot("preparing the request", "a record here holds one value")))?;
        fields.ttl = edit.ttl.or(held.fields.ttl);
        let mut attributes = held.fields.attributes.clone();
        // One that was given without content goes back to its default, which is what is not sent.
        let emptied = edit.attributes.iter().filter(|(name, value)| is_default(name, value));
        emptied.for_each(|(name, _)| drop(attributes.remove(sent_name(name))));
        attributes.append(&mut fields.attributes);
        fields.attributes = attributes;
        let id = self.api.record_add(&zone.id, &fields, Some(&before.id)).await.map_err(doing())?;
        Ok(row_of_fields(id.unwrap_or_else(|| before.id.clone()), edit, fields))
    }
}

fn key(edit: &Edit) -> RrsetKey {
    RrsetKey::new(edit.name.clone(), edit.rtype)
}

fn zone_row(zone: HostedZone) -> Option<ZoneRow> {
    let name = Name::parse(zone.name.trim()).ok()?;
    let attributes = zone.ttl.map(|ttl| ("ttl".to_owned(), ttl)).into_iter().collect();
    Some(ZoneRow { zone: Zone { id: zone.id, name }, attributes })
}

fn lndyn_row(record: Record) -> Row {
    let Record { id, name, rtype, value, .. } = record;
    Row { id, name, rtype, values: vec![value.to_string()], ttl: None, attributes: Attributes::new() }
}

fn hosted_row(zone: &Zone, listed: HostedRecord) -> Option<Row> {
    let status = listed.status.clone();
    let Record { id, name, rtype, value, ttl, attributes } = hosted_record(zone, listed)?;
    let mut attributes = shown(rtype, attributes);
    attributes.extend(status.map(|status| ("status".to_owned(), status)));
    Some(Row { id, name, rtype, values: vec![value.to_string()], ttl, attributes })
}

fn row(id: String, edit: &Edit, values: Vec<String>, ttl: Option<Ttl>, attributes: Attributes) -> Row {
    Row { id, name: edit.name.clone(), rtype: edit.rtype, values, ttl, attributes }
}

fn row_of_fields(id: String, edit: &Edit, fields: Fields) -> Row {
    let ttl = fields.ttl.or(Ttl::new(DEFAULT_TTL));
    row(id, edit, vec![fields.data], ttl, shown(edit.rtype, fields.attributes))
}

/// Attributes in our words, without those that say nothing: the defaults.
fn shown(rtype: RecordType, sent: BTreeMap<String, String>) -> Attributes {
    let located = sent.get("policy").is_some_and(|policy| policy == "latlong");
    let says = |name: &str, value: &str| match name {
        "aux" => has_priority(rtype) || value != "0",
        "latitude" | "longitude" => located || value.parse::<f64>().is_ok_and(|degrees| degrees != 0.0),
        "policy" => value != "none",
        "weight" => value != "0",
        _ => true,
    };
    let ours = |name: String| if name == "aux" { "priority".to_owned() } else { name };
    sent.into_iter().filter(|(name, value)| says(name, value)).map(|(name, value)| (ours(name), value)).collect()
}

fn has_priority(rtype: RecordType) -> bool {
    matches!(rtype, RecordType::Mx | RecordType::Srv)
}

/// The parameter that an attribute is sent as.
fn sent_name(attribute: &str) -> &str {
    if attribute == "priority" { "aux" } else { attribute }
}

/// Whether an attribute is given by not being sent: without content, or with the word or number that says so.
fn is_default(name: &str, value: &str) -> bool {
    matches!((name, value.trim()), (_, "") | ("global", "yes") | ("monitor_id", "0"))
}

/// The name under lndyn.com that an edit is about; the adapter's own checks see to the rest.
fn lndyn_draft(edit: &Edit) -> Result<Draft> {
    let [value] = edit.values.as_slice() else {
        return Err(cannot("preparing the request", format!("names under {LNDYN} hold one address")));
    };
    let value = Value::parse(edit.rtype, value).map_err(|why| cannot("preparing the request", why))?;
    let Edit { name, rtype, .. } = edit.clone();
    Ok(Draft { name, rtype, value, ttl: None, attributes: BTreeMap::new() })
}

/// What is sent for each value of an edit, checked by the rules of the documentation.
fn fields_of_all(zone: &Zone, edit: &Edit) -> Result<Vec<Fields>> {
    let refuse = |why: String| cannot("preparing the request", why);
    RULES.check(zone, &edit.name, edit.rtype, edit.ttl).map_err(refuse)?;
    together(edit.rtype, &edit.values).map_err(refuse)?;
    let mut common = BTreeMap::new();
    for (name, value) in edit.attributes.iter().filter(|(name, value)| !is_default(name, value)) {
        check_attribute(edit.rtype, name, value).map_err(refuse)?;
        common.insert(sent_name(name).to_owned(), value.trim().to_owned());
    }
    edit.values.iter().map(|value| fields_of(edit, value, common.clone())).collect()
}

fn fields_of(edit: &Edit, value: &str, mut attributes: BTreeMap<String, String>) -> Result<Fields> {
    let refuse = |why: String| cannot("preparing the request", why);
    let data = Value::parse(edit.rtype, value).map_err(refuse)?.to_string();
    if data.is_empty() {
        return Err(refuse("a value is empty".into()));
    }
    let (priority, data) = split_priority(edit.rtype, &data);
    beside_priority(edit.rtype, &data).map_err(refuse)?;
    if let Some(priority) = priority {
        if attributes.get("aux").is_some_and(|given| *given != priority) {
            return Err(refuse(format!("the priority is given twice: in the value \"{value}\" and beside it")));
        }
        attributes.insert("aux".to_owned(), priority);
    }
    Ok(Fields { name: edit.name.to_string(), rtype: edit.rtype.to_string(), data, ttl: edit.ttl, attributes })
}

/// The priority in front of the value of MX and SRV in presentation form, which the service keeps beside it.
fn split_priority(rtype: RecordType, data: &str) -> (Option<String>, String) {
    let words: Vec<&str> = data.split_whitespace().collect();
    let has = match rtype {
        RecordType::Mx => words.len() == 2,
        RecordType::Srv => words.len() == 4,
        _ => false,
    };
    match words.split_first() {
        Some((first, rest)) if has && first.parse::<u16>().is_ok() => (Some((*first).to_owned()), rest.join(" ")),
        _ => (None, data.to_owned()),
    }
}

/// The bounds of an attribute, as far as they are documented or follow from what it is.
fn check_attribute(rtype: RecordType, name: &str, value: &str) -> Result<(), String> {
    let value = value.trim();
    let degrees = |most: f64| value.parse::<f64>().is_ok_and(|degrees| degrees.abs() <= most);
    let (fits, rule) = match name {
        "priority" if !has_priority(rtype) => return Err(format!("{rtype} records have no priority")),
        "priority" => (value.parse::<u16>().is_ok(), "0 to 65535"),
        "weight" | "monitor_id" => (value.parse::<u32>().is_ok(), NUMBER),
        "policy" => (["none", "latlong", "region"].contains(&value), "none, latlong or region"),
        "global" => (["yes", "no"].contains(&value), "yes or no"),
        "latitude" => (degrees(90.0), "-90 to 90"),
        "longitude" => (degrees(180.0), "-180 to 180"),
        _ => (true, ""),
    };
    if fits { Ok(()) } else { Err(format!("{name} is {rule}, unlike \"{value}\"")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::error::Kind;

    fn edit(rtype: RecordType, value: &str, attributes: &[(&str, &str)]) -> Edit {
        let attributes = attributes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let name = Name::parse("www.example.org").unwrap();
        Edit { name, rtype, values: vec![value.into()], ttl: None, attributes }
    }

    fn zone() -> Zone {
        Zone { id: "7".into(), name: Name::parse("example.org").unwrap() }
    }

    fn sent(edit: &Edit) -> Fields {
        fields_of_all(&zone(), edit).unwrap().remove(0)
    }

    #[test]
    fn a_priority_may_stand_in_the_value_or_beside_it_but_not_differ() {
        for (value, attributes) in [("10 mail.example.org", &[][..]), ("mail.example.org", &[("priority", "10")])] {
            let fields = sent(&edit(RecordType::Mx, value, attributes));
            assert_eq!((fields.data.as_str(), fields.attributes["aux"].as_str()), ("mail.example.org", "10"));
        }
        assert!(fields_of_all(&zone(), &edit(RecordType::Mx, "10 mail.example.org", &[("priority", "20")])).is_err());
        let fields = sent(&edit(RecordType::Srv, "1 2 5060 sip.example.org", &[]));
        assert_eq!((fields.data.as_str(), fields.attributes["aux"].as_str()), ("2 5060 sip.example.org", "1"));
        assert_eq!(sent(&edit(RecordType::Txt, "10 words", &[])).data, "10 words");
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_with_its_rule() {
        for (name, value, said) in [
            ("priority", "1", "A records have no priority"),
            ("weight", "-1", "a whole number"),
            ("policy", "nearest", "none, latlong or region"),
            ("latitude", "91", "-90 to 90"),
            ("longitude", "east", "-180 to 180"),
            ("longitude", "NaN", "-180 to 180"),
            ("global", "1", "yes or no"),
        ] {
            let error = fields_of_all(&zone(), &edit(RecordType::A, "192.0.2.1", &[(name, value)])).unwrap_err();
            assert!(error.kind == Kind::Config && error.why.contains(said), "{name}: {error}");
        }
        let error = fields_of_all(&zone(), &edit(RecordType::Caa, "0 issue \"ca.example\"", &[])).unwrap_err();
        assert!(error.why.contains("LunaNode keeps no CAA records"), "{error}");
        assert!(fields_of_all(&zone(), &edit(RecordType::A, "mail", &[])).is_err());
    }

    #[test]
    fn defaults_are_not_shown() {
        let listed = [("aux", "0"), ("latitude", "0"), ("longitude", "0"), ("policy", "none"), ("weight", "0")];
        let listed = || listed.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
        assert_eq!(shown(RecordType::A, listed()), Attributes::new());
        assert_eq!(shown(RecordType::Mx, listed()), [("priority".to_owned(), "0".to_owned())].into());
    }
}
