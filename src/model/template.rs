//! Values that are made of addresses: a text with placeholders in it, for record sets of any type.
//!
//! `v=spf1 ip4:{ipv4} ip6:{ipv6/64} -all` becomes `v=spf1 ip4:192.0.2.1 ip6:2001:db8:1:2::/64 -all`. There is always one value:
//! where a family has several addresses, the word that a placeholder stands in is said once for each of them
//! (`ip4:192.0.2.1 ip4:192.0.2.2`), and in HTTPS and SVCB, whose keys must not be repeated (RFC 9460, section 2.1), they are a
//! list with commas. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::record::{Family, RecordType};

/// What can stand between braces, for people.
pub const PLACEHOLDERS: [&str; 5] = ["ipv4", "ipv6", "ipv4/24", "ipv6/64", "prefix6"];

/// How long the prefix is that `{prefix6}` stands for: that of a LAN (RFC 4291, section 2.5.1).
const LAN: u8 = 64;

/// What stands for an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// The address.
    Address,
    /// Its first bits, with their number: `2001:db8:1:2::/64`.
    Network(u8),
    /// Its first bits alone: `2001:db8:1:2::`.
    Bits(u8),
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(Family, Form),
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Its words, between each of which one space stands.
    words: Vec<Vec<Part>>,
    /// Several addresses are a list with commas instead of a word each.
    listed: bool,
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Between these braces stands nothing that is known.
    Unknown(String),
    /// A prefix of this many bits is too long, or none.
    Length(String),
    /// A brace that does not end, or was not begun.
    Brace,
    /// There is no placeholder in it: it would never change.
    Constant,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(word) => write!(f, "there is no placeholder {{{}}}", word.escape_debug()),
            Self::Length(word) => {
                write!(
                    f,
                    "{{{}}}: a prefix has 1 to 32 bits of an IPv4 address, 1 to 128 of an IPv6 one",
                    word.escape_debug()
                )
            }
            Self::Brace => f.write_str("a brace stands alone; one that is meant as such is written twice: {{ or }}"),
            Self::Constant => f.write_str("there is no placeholder in it, so that it would follow no address"),
        }
    }
}

impl Template {
    /// Reads a template for records of a type. Braces that are meant as such stand twice; words are parted by white space, of which
    /// one space is left.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str, rtype: RecordType) -> Result<Self, Wrong> {
        let words = text.split_ascii_whitespace().map(word).collect::<Result<Vec<_>, _>>()?;
        let listed = matches!(rtype, RecordType::Https | RecordType::Svcb);
        let template = Self { words, listed };
        if template.families().next().is_none() { Err(Wrong::Constant) } else { Ok(template) }
    }

    /// The families that it needs an address of, IPv4 first.
    pub fn families(&self) -> impl Iterator<Item = Family> + '_ {
        let needs =
            |family: &Family| self.words.iter().flatten().any(|part| matches!(part, Part::Hole(of, _) if of == family));
        Family::ALL.into_iter().filter(needs)
    }

    /// The first placeholder for an address of this family, as it is typed: `{ipv6/64}`.
    #[must_use]
    pub fn placeholder(&self, family: Family) -> Option<String> {
        let mut forms = self.words.iter().flatten().filter_map(|part| match part {
            Part::Hole(of, form) if *of == family => Some(form),
            _ => None,
        });
        let word = if family == Family::Ipv4 { "ipv4" } else { "ipv6" };
        Some(match forms.next()? {
            Form::Address => format!("{{{word}}}"),
            Form::Network(bits) => format!("{{{word}/{bits}}}"),
            Form::Bits(_) => "{prefix6}".into(),
        })
    }

    /// The value for these addresses, whatever their order. A family that it needs and that has none leaves nothing of the words
    /// that name it, so that it must not be asked for such a value.
    #[must_use]
    pub fn render(&self, addresses: &[IpAddr]) -> String {
        let mut sorted = addresses.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut words: Vec<String> = Vec::new();
        for parts in &self.words {
            if self.listed {
                words.push(parts.iter().map(|part| part.list(&sorted)).collect());
                continue;
            }
            for word in each(parts, &sorted) {
                // Two addresses of one network are one network.
                if !(words.contains(&word) && parts.iter().any(|part| matches!(part, Part::Hole(..)))) {
                    words.push(word);
                }
            }
        }
        words.join(" ")
    }
}

/// A word's parts.
fn word(text: &str) -> Result<Vec<Part>, Wrong> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        plain.push_str(before);
        if let Some((brace, after)) = ["{{", "}}"].iter().find_map(|two| Some((two.get(..1)?, from.strip_prefix(two)?)))
        {
            plain.push_str(brace);
            rest = after;
            continue;
        }
        let (inside, after) = from.strip_prefix('{').and_then(|from| from.split_once('}')).ok_or(Wrong::Brace)?;
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain)));
        }
        parts.push(hole(inside)?);
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Text(plain));
    }
    Ok(parts)
}

fn hole(text: &str) -> Result<Part, Wrong> {
    let (word, length) = text.split_once('/').map_or((text, None), |(word, length)| (word, Some(length)));
    let (family, most) = match word {
        "ipv4" => (Family::Ipv4, 32),
        "ipv6" => (Family::Ipv6, 128),
        "prefix6" if length.is_none() => return Ok(Part::Hole(Family::Ipv6, Form::Bits(LAN))),
        _ => return Err(Wrong::Unknown(text.to_owned())),
    };
    let Some(length) = length else { return Ok(Part::Hole(family, Form::Address)) };
    match length.parse::<u8>() {
        Ok(bits) if (1..=most).contains(&bits) => Ok(Part::Hole(family, Form::Network(bits))),
        _ => Err(Wrong::Length(text.to_owned())),
    }
}

impl Part {
    /// What it is for each address of its family.
    fn choices(&self, addresses: &[IpAddr]) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::Hole(family, form) => {
                let of_family = addresses.iter().filter(|address| Family::of(**address) == *family);
                let mut shown: Vec<String> = of_family.map(|address| form.of(*address)).collect();
                shown.dedup();
                shown
            }
        }
    }

    /// What it is for all of them.
    fn list(&self, addresses: &[IpAddr]) -> String {
        self.choices(addresses).join(",")
    }
}

/// The word once for each address, and for each pair of them where it names both families.
fn each(parts: &[Part], addresses: &[IpAddr]) -> Vec<String> {
    let mut chosen: Vec<Vec<IpAddr>> = vec![Vec::new()];
    for family in Family::ALL {
        if parts.iter().any(|part| matches!(part, Part::Hole(of, _) if *of == family)) {
            let of_family = || addresses.iter().copied().filter(|address| Family::of(*address) == family);
            let with = |one: &Vec<IpAddr>| {
                of_family().map(|address| [one.as_slice(), &[address]].concat()).collect::<Vec<_>>()
            };
            chosen = chosen.iter().flat_map(with).collect();
        }
    }
    chosen.iter().map(|some| parts.iter().map(|part| part.list(some)).collect()).collect()
}

impl Form {
    fn of(self, address: IpAddr) -> String {
        match self {
            Self::Address => address.to_string(),
            Self::Network(bits) => format!("{}/{bits}", network(address, bits)),
            Self::Bits(bits) => network(address, bits).to_string(),
        }
    }
}

/// The first bits of an address, the others zero.
fn network(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits() & !u32::MAX.checked_shr(bits.into()).unwrap_or(0)).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::MAX.checked_shr(bits.into()).unwrap_or(0)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn render(template: &str, rtype: RecordType, addresses: &[&str]) -> String {
        let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        Template::parse(template, rtype).unwrap().render(&addresses)
    }

    #[test]
    fn each_placeholder_stands_for_what_it_says() {
        let both = ["192.0.2.77", "2001:db8:1:2:3::7"];
        for (template, value) in [
            ("v=spf1 ip4:{ipv4} ip6:{ipv6/64} -all", "v=spf1 ip4:192.0.2.77 ip6:2001:db8:1:2::/64 -all"),
            ("ip4:{ipv4/24}", "ip4:192.0.2.0/24"),
            ("{ipv4/32} {ipv6/128} {ipv6/1}", "192.0.2.77/32 2001:db8:1:2:3::7/128 ::/1"),
            ("lan={prefix6}/64,{ipv6}", "lan=2001:db8:1:2::/64,2001:db8:1:2:3::7"),
            ("a={{{ipv4}}}  %{{i}} }}", "a={192.0.2.77} %{i} }"),
        ] {
            assert_eq!(render(template, RecordType::Txt, &both), value);
        }
    }

    #[test]
    fn several_addresses_repeat_the_word_or_are_a_list() {
        let many = ["192.0.2.2", "192.0.2.1", "2001:db8:1::1", "2001:db8:1::2", "2001:db8:2::1", "192.0.2.1"];
        assert_eq!(
            render("v=spf1 ip4:{ipv4} ip6:{ipv6/48} -all", RecordType::Txt, &many),
            "v=spf1 ip4:192.0.2.1 ip4:192.0.2.2 ip6:2001:db8:1::/48 ip6:2001:db8:2::/48 -all"
        );
        assert_eq!(
            render("1 . ipv4hint={ipv4} ipv6hint={ipv6}", RecordType::Https, &many[..4]),
            "1 . ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8:1::1,2001:db8:1::2"
        );
        assert_eq!(
            render("{ipv4}={ipv4/31}/{ipv6}", RecordType::Txt, &many[..4]),
            "192.0.2.1=192.0.2.0/31/2001:db8:1::1 192.0.2.1=192.0.2.0/31/2001:db8:1::2 \
             192.0.2.2=192.0.2.2/31/2001:db8:1::1 192.0.2.2=192.0.2.2/31/2001:db8:1::2"
        );
    }

    #[test]
    fn what_is_no_template_says_why() {
        for (text, wrong) in [
            ("ip4:{ip4}", Wrong::Unknown("ip4".into())),
            ("{ipv4} {}", Wrong::Unknown(String::new())),
            ("{prefix6/64}", Wrong::Unknown("prefix6/64".into())),
            ("{ipv4/33}", Wrong::Length("ipv4/33".into())),
            ("{ipv6/0}", Wrong::Length("ipv6/0".into())),
            ("{ipv6/}", Wrong::Length("ipv6/".into())),
            ("{ipv4", Wrong::Brace),
            ("ipv4}", Wrong::Brace),
            ("{ipv4}}", Wrong::Brace),
            ("{{ipv4}}", Wrong::Constant),
            ("", Wrong::Constant),
        ] {
            assert_eq!(Template::parse(text, RecordType::Txt), Err(wrong), "{text}");
        }
    }

    #[test]
    fn it_needs_the_families_that_it_names() {
        let needs = |text| Template::parse(text, RecordType::Txt).unwrap().families().collect::<Vec<_>>();
        assert_eq!(needs("{ipv6} {ipv4}"), Family::ALL);
        assert_eq!(needs("{prefix6}"), [Family::Ipv6]);
        assert_eq!(needs("{ipv4/8} {ipv4}"), [Family::Ipv4]);
        let of = |text, family| Template::parse(text, RecordType::Txt).unwrap().placeholder(family);
        assert_eq!(of("a {ipv6/56} {ipv6}", Family::Ipv6).as_deref(), Some("{ipv6/56}"));
        assert_eq!(of("{prefix6} {ipv4}", Family::Ipv6).as_deref(), Some("{prefix6}"));
        assert_eq!(of("{prefix6} {ipv4}", Family::Ipv4).as_deref(), Some("{ipv4}"));
        assert_eq!(of("{prefix6}", Family::Ipv4), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[{}a-z0-9/ ]{0,30}") {
            if let Ok(template) = Template::parse(&text, RecordType::Txt) {
                let value = template.render(&["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()]);
                prop_assert!(!value.is_empty());
            }
        }

        #[test]
        fn the_order_of_addresses_counts_for_nothing(
            mut last in proptest::collection::vec(0u8..9, 1..5), listed: bool,
        ) {
            let rtype = if listed { RecordType::Svcb } else { RecordType::Txt };
            let template = Template::parse("x={ipv4} {ipv4/30}", rtype).unwrap();
            let rendered = |last: &[u8]| {
                template.render(&last.iter().map(|n| IpAddr::from([192, 0, 2, *n])).collect::<Vec<_>>())
            };
            let before = rendered(&last);
            last.reverse();
            prop_assert_eq!(before, rendered(&last));
        }
    }
}
