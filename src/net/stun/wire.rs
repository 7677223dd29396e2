//! STUN messages (RFC 8489): the binding request as octets, and what an answer to it says, strictly.

use std::net::{IpAddr, Ipv6Addr};

use super::Transport;

/// The number that tells a request from all others, and its answer too.
pub type Id = [u8; 12];

/// The length of a message's header, in octets.
pub const HEADER: usize = 20;

/// What stands in every message (section 5).
const COOKIE: u32 = 0x2112_A442;
/// What a FINGERPRINT is mixed with (section 14.7).
const FINGERPRINT_XOR: u32 = 0x5354_554E;

// Methods and classes (section 5 and 18.2): binding is the method.
const REQUEST: u16 = 0x0001;
const SUCCESS: u16 = 0x0101;
const ERROR: u16 = 0x0111;

// Attributes (section 18.3).
const MAPPED_ADDRESS: u16 = 0x0001;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const ERROR_CODE: u16 = 0x0009;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001C;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const FINGERPRINT: u16 = 0x8028;
/// What a client has to understand, and may pass over in an answer: attributes of credentials, which we neither have nor asked
/// for, of the list of what a server did not understand, and those of RFC 3489 that its servers send (RFC 5389, section
/// 12.1).
const HARMLESS: [u16; 12] =
    [0x0002, 0x0004, 0x0005, 0x0006, 0x000A, 0x000B, 0x0014, 0x0015, 0x001D, 0x001E, ERROR_CODE, MESSAGE_INTEGRITY];
/// From here on a client need not understand an attribute.
const OPTIONAL: u16 = 0x8000;

/// Why an answer says no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bad {
    /// It is none, or none to this request: whoever listens passes it over (section 6.3).
    NotOurs(&'static str),
    /// The server answered, and this is what is wrong.
    Refused(String),
}

fn refused<T>(why: &str) -> Result<T, Bad> {
    Err(Bad::Refused(why.to_owned()))
}

/// A binding request without attributes: all a server needs, and what one of RFC 3489 understands too (RFC 5389, section
/// 12.1).
#[must_use]
pub fn request(id: &Id) -> Vec<u8> {
    [&REQUEST.to_be_bytes()[..], &[0, 0], &COOKIE.to_be_bytes(), id].concat()
}

/// How many octets follow the header of an answer to the request `id`; more than its header may be given.
///
/// # Errors
/// `NotOurs` when it is the header of anything else.
pub fn announced(octets: &[u8], id: &Id) -> Result<usize, Bad> {
    header(octets, id).map(|(_, length, _)| length)
}

/// The address that an answer to the request `id` says we have. Whether it may be published is not decided here.
///
/// Only XOR-MAPPED-ADDRESS counts, and only one. MAPPED-ADDRESS, which some routers rewrite on the way (section 14.2), counts
/// where RFC 5389, section 12.1, allows it: over UDP, of a server that knows no other, and that shows nothing newer than
/// RFC 3489 otherwise.
///
/// # Errors
/// Why it says none. FINGERPRINT, where there is one, must be right.
pub fn read(octets: &[u8], id: &Id, transport: Transport) -> Result<IpAddr, Bad> {
    let (kind, length, body) = header(octets, id)?;
    if body.len() != length {
        return Err(Bad::NotOurs("its length is not the one it says"));
    }
    let found = attributes(octets, body, id)?;
    if kind == ERROR {
        return Err(Bad::Refused(
            found.error.unwrap_or_else(|| "it answered with an error that it does not name".into()),
        ));
    }
    if let Some(kind) = found.unknown {
        return Err(Bad::Refused(format!(
            "its answer has an attribute that has to be understood and is not: {kind:#06x}"
        )));
    }
    match (found.address, found.plain_address) {
        (Some(address), _) => Ok(address),
        (None, Some(address)) if transport == Transport::Udp && !found.is_modern => Ok(address),
        (None, Some(_)) => {
            refused("it says our address only as MAPPED-ADDRESS, which routers on the way may have rewritten")
        }
        (None, None) => refused("its answer has no address"),
    }
}

/// The message's kind, the length that it says to have, and what follows its header.
fn header<'a>(octets: &'a [u8], id: &Id) -> Result<(u16, usize, &'a [u8]), Bad> {
    let parts = || {
        let (kind, rest) = number(octets)?;
        let (length, rest) = number(rest)?;
        let (cookie, rest) = rest.split_first_chunk::<4>()?;
        let (theirs, body) = rest.split_first_chunk::<12>()?;
        Some((kind, usize::from(length), *cookie, theirs, body))
    };
    let (kind, length, cookie, theirs, body) = parts().ok_or(Bad::NotOurs("it is shorter than a STUN message"))?;
    // The first two bits are zero, the length is a multiple of four (section 5).
    if kind & 0xC000 != 0 || cookie != COOKIE.to_be_bytes() || length % 4 != 0 {
        return Err(Bad::NotOurs("it is no STUN message"));
    }
    if theirs != id {
        return Err(Bad::NotOurs("it is of another transaction"));
    }
    if kind != SUCCESS && kind != ERROR {
        return Err(Bad::NotOurs("it is no answer to a binding request"));
    }
    Ok((kind, length, body))
}

/// What the attributes say.
#[derive(Default)]
struct Found {
    address: Option<IpAddr>,
    plain_address: Option<IpAddr>,
    error: Option<String>,
    /// The first one that has to be understood and is not.
    unknown: Option<u16>,
    /// There is something that RFC 3489 does not have.
    is_modern: bool,
}

fn attributes(message: &[u8], body: &[u8], id: &Id) -> Result<Found, Bad> {
    let mut found = Found::default();
    let (mut is_sealed, mut is_over) = (false, false);
    let mut rest = body;
    while !rest.is_empty() {
        if is_over {
            return refused("its answer goes on after its fingerprint");
        }
        let before = message.len() - rest.len();
        let Some((kind, value, next)) = attribute(rest) else { return refused("an attribute is cut off") };
        rest = next;
        match kind {
            FINGERPRINT => {
                let ours = crc32(message.get(..before).unwrap_or_default()) ^ FINGERPRINT_XOR;
                if value != ours.to_be_bytes() {
                    return Err(Bad::NotOurs("its fingerprint is wrong"));
                }
                (is_over, found.is_modern) = (true, true);
            }
            // Whatever follows is not covered by it, and does not count (sections 14.5 and 14.6).
            _ if is_sealed => {}
            MESSAGE_INTEGRITY | MESSAGE_INTEGRITY_SHA256 => is_sealed = true,
            XOR_MAPPED_ADDRESS => only(&mut found.address, address(value, mask(id)))?,
            MAPPED_ADDRESS => only(&mut found.plain_address, address(value, 0))?,
            ERROR_CODE => found.error = Some(error(value)),
            OPTIONAL.. => found.is_modern = true,
            _ if HARMLESS.contains(&kind) => {}
            _ => found.unknown = found.unknown.or(Some(kind)),
        }
    }
    Ok(found)
}

/// The first attribute: its kind, its value, and what comes after it and its padding (section 14).
fn attribute(octets: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (kind, rest) = number(octets)?;
    let (length, rest) = number(rest)?;
    let length = usize::from(length);
    Some((kind, rest.get(..length)?, rest.get(length.next_multiple_of(4)..)?))
}

fn number(octets: &[u8]) -> Option<(u16, &[u8])> {
    let (number, rest) = octets.split_first_chunk()?;
    Some((u16::from_be_bytes(*number), rest))
}

fn only(place: &mut Option<IpAddr>, address: Option<IpAddr>) -> Result<(), Bad> {
    let Some(address) = address else { return refused("an address in its answer is of no known form") };
    match place.replace(address) {
        None => Ok(()),
        Some(_) => refused("its answer has more than one address"),
    }
}

/// What an address is mixed with: the cookie, and for IPv6 the transaction behind it (section 14.2).
fn mask(id: &Id) -> u128 {
    id.iter().fold(u128::from(COOKIE), |mask, octet| mask << 8 | u128::from(*octet))
}

/// An address (section 14.1): an octet that says nothing, the family, the port, the address. IPv4 has the mask's first 32 bits.
fn address(value: &[u8], mask: u128) -> Option<IpAddr> {
    let [_, family, _, _, octets @ ..] = value else { return None };
    match family {
        1 => Some(IpAddr::from((u32::from_be_bytes(octets.try_into().ok()?) ^ (mask >> 96) as u32).to_be_bytes())),
        2 => Some(IpAddr::from(Ipv6Addr::from(u128::from_be_bytes(octets.try_into().ok()?) ^ mask))),
        _ => None,
    }
}

/// An error as the server names it (section 14.8): `420 Unknown Attribute`.
fn error(value: &[u8]) -> String {
    let [_, _, class, number, reason @ ..] = value else { return "it answered with an error without a code".into() };
    let reason: String = String::from_utf8_lossy(reason).chars().take(50).collect();
    // Escaped: a terminal that shows it must not obey it.
    format!("it answered with the error {}{number:02} {}", class & 7, reason.escape_default()).trim_end().to_owned()
}

/// The checksum of ITU-T V.42, as Ethernet has it, bit by bit: an answer is short.
fn crc32(octets: &[u8]) -> u32 {
    !octets.iter().fold(!0, |crc, octet| {
        (0..8).fold(crc ^ u32::from(*octet), |crc: u32, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests;
