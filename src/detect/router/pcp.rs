//! PCP (RFC 6887): the router's address outside, learnt from a mapping that is taken back at once.
//!
//! PCP has no question for the address alone. ANNOUNCE answers without one. PEER, which would open nothing, is optional and
//! missing in most routers, and so is FILTER. A request to delete what does not exist need not name an address. So there remains
//! MAP, and the least that it can ask for: UDP, for the very port of ours that is asking, which nobody else on this machine can
//! have meanwhile and which is closed a moment later (the discard port is not ours, and routers that only map high ports
//! refuse it); two minutes, the shortest time that a router should grant (section 15); and deleted with the same nonce
//! as soon as it is answered. If that is lost, the mapping leads to a closed port until it ends by itself.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::UdpSocket;

use super::datagram::{self, Answer, Heard};
use super::gateway::Gateway;

/// Section 8.1.1: 3 s at first, with up to a tenth more or less. What a second step would still bring comes too late for a
/// detector.
const FIRST: Duration = Duration::from_millis(2900);
const SECOND: Duration = Duration::from_millis(1000);
/// How long the router may take to confirm that the mapping is gone; asked twice.
const FAREWELL: [Duration; 2] = [Duration::from_millis(250), Duration::from_millis(250)];

const VERSION: u8 = 2;
const MAP: u8 = 1;
/// What is added to a request's operation code in its answer.
const ANSWER: u8 = 128;
/// The octets of the common part, and of it with what MAP adds (sections 7.1 and 11.1).
const HEADER: usize = 24;
const LENGTH: usize = HEADER + 36;
/// The most octets of a message (section 7).
const MOST: usize = 1100;
/// UDP's protocol number.
const UDP: u8 = 17;
/// How long the mapping may exist, in seconds.
const LIFETIME: u32 = 120;
/// What keeps others from touching a mapping: 96 random bits (section 11.2).
pub type Nonce = [u8; 12];

/// Asks the router for a mapping and takes it back.
pub(super) async fn ask(gateway: &Gateway, port: u16) -> Result<Answer, String> {
    let socket = datagram::open_to(gateway, port).await?;
    let ours = socket.local_addr().map_err(|error| error.to_string())?;
    let mut nonce = Nonce::default();
    SystemRandom::new().fill(&mut nonce).map_err(|_| "the system has no random numbers")?;
    let question = Question { nonce, port: ours.port(), client: ours.ip() };
    let schedule = [FIRST, SECOND];
    let answer = datagram::ask(&socket, &question.octets(LIFETIME), &schedule, |octets| read(octets, &question)).await;
    if answer.is_ok() {
        take_back(&socket, &question).await;
    }
    answer
}

/// Deletes the mapping: a lifetime of zero (section 15). What fails here ends with the lifetime.
async fn take_back(socket: &UdpSocket, question: &Question) {
    let gone = |octets: &[u8]| match read_lifetime(octets, question) {
        Some(0) => Heard::Answer(()),
        _ => Heard::Noise("it is about another lifetime".into()),
    };
    if let Err(why) = datagram::ask(socket, &question.octets(0), &FAREWELL, gone).await {
        tracing::debug!("PCP: the mapping of port {} is not known to be deleted: {why}", question.port);
    }
}

/// What was asked, which the answer repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// The mapping's nonce.
    pub nonce: Nonce,
    /// Our port.
    pub port: u16,
    /// Our address, as the router must see it.
    pub client: std::net::IpAddr,
}

impl Question {
    /// A request of a mapping for so many seconds, or for its end.
    fn octets(&self, lifetime: u32) -> Vec<u8> {
        let client = match self.client {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            std::net::IpAddr::V6(v6) => v6,
        };
        let mut octets = Vec::with_capacity(LENGTH);
        octets.extend([VERSION, MAP, 0, 0]);
        octets.extend(lifetime.to_be_bytes());
        octets.extend(client.octets());
        octets.extend(self.nonce);
        octets.extend([UDP, 0, 0, 0]);
        octets.extend(self.port.to_be_bytes());
        // Any port outside, and any IPv4 address: the family is told by an address of zeros in its mapped form.
        octets.extend([0, 0]);
        octets.extend(Ipv4Addr::UNSPECIFIED.to_ipv6_mapped().octets());
        octets
    }
}

/// Reads a datagram that came from the router's port.
#[must_use]
pub fn read(octets: &[u8], question: &Question) -> Heard<Answer> {
    let noise = |why: &str| Heard::Noise(why.into());
    let &[version, operation, high, code, ..] = octets else { return noise("it is shorter than an answer") };
    if operation & ANSWER == 0 {
        return noise("it is a question");
    }
    if version != VERSION {
        // Of an answer in another version the code alone is sure (section 9); NAT-PMP's has 16 bits and ends in the same place.
        return match (version, high, code) {
            (0, 0, 1) => Heard::Refused("it speaks NAT-PMP, not PCP".into()),
            (_, _, 1) => Heard::Refused(format!("it speaks version {version} of the protocol, not {VERSION}")),
            _ => noise("it is of another version"),
        };
    }
    if operation != ANSWER | MAP {
        return noise("it answers another question");
    }
    if octets.len() > MOST || !octets.len().is_multiple_of(4) || octets.len() < HEADER {
        return Heard::Noise(format!("it has {} octets, which no message has", octets.len()));
    }
    // A refusal repeats the request, too, but one of what was not understood may not.
    let map = octets.get(HEADER..LENGTH).filter(|map| is_ours(map, question));
    if code != 0 {
        return match map {
            None if octets.len() >= LENGTH => noise("it is about another mapping"),
            _ => Heard::Refused(format!("{} (code {code})", words(code))),
        };
    }
    let Some(map) = map else { return noise("it is about another mapping") };
    let (Some(epoch), Some(outside)) = (number(octets, 8), map.get(20..).and_then(|rest| rest.first_chunk::<16>()))
    else {
        return noise("it is shorter than an answer");
    };
    match Ipv6Addr::from(*outside).to_ipv4_mapped() {
        None => Heard::Refused("it gave an IPv6 address, which was not asked for".into()),
        Some(address) if address.is_unspecified() => {
            Heard::Refused("it has no address outside: it is not connected".into())
        }
        Some(address) => Heard::Answer(Answer { address, epoch }),
    }
}

/// The lifetime that a good answer about our mapping has.
fn read_lifetime(octets: &[u8], question: &Question) -> Option<u32> {
    let ours = octets.starts_with(&[VERSION, ANSWER | MAP]) && octets.get(3) == Some(&0);
    octets.get(HEADER..LENGTH).filter(|map| ours && is_ours(map, question))?;
    number(octets, 4)
}

/// Whether a mapping has our nonce, protocol and port (section 11.4).
fn is_ours(map: &[u8], question: &Question) -> bool {
    map.starts_with(&question.nonce)
        && map.get(12) == Some(&UDP)
        && map.get(16..18) == Some(&question.port.to_be_bytes())
}

fn number(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_be_bytes(*four))
}

/// What a result code means (section 7.4).
fn words(code: u8) -> &'static str {
    match code {
        1 => "it does not speak this version of the protocol",
        2 => "it may not do it: switched off or not allowed",
        3 => "it did not understand the request",
        4 => "it does not know the operation",
        5 => "it does not know an option",
        6 => "it found an option malformed",
        7 => "it has no address outside: it is not connected",
        8 => "it is out of resources",
        9 => "it does not map UDP",
        10 => "this machine has its share of mappings already",
        11 => "it cannot give an address outside",
        12 => "there is another NAT between this machine and it",
        13 => "it was asked for too many peers",
        _ => "it refuses",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASKED: Question = Question {
        nonce: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
        port: 40_000,
        client: std::net::IpAddr::V4(Ipv4Addr::new(192, 168, 1, 2)),
    };

    /// The answer of a router that grants it.
    fn good() -> Vec<u8> {
        let mut octets = ASKED.octets(LIFETIME);
        octets[1] |= ANSWER;
        octets[8..HEADER].fill(0);
        octets[8..12].copy_from_slice(&3600_u32.to_be_bytes());
        octets[42..44].copy_from_slice(&50_000_u16.to_be_bytes());
        octets[44..].copy_from_slice(&Ipv4Addr::new(8, 8, 8, 8).to_ipv6_mapped().octets());
        octets
    }

    fn with(change: impl FnOnce(&mut Vec<u8>)) -> Heard<Answer> {
        let mut octets = good();
        change(&mut octets);
        read(&octets, &ASKED)
    }

    fn is_noise(heard: &Heard<Answer>) -> bool {
        matches!(heard, Heard::Noise(_))
    }

    fn refused(heard: &Heard<Answer>, word: &str) -> bool {
        matches!(heard, Heard::Refused(why) if why.contains(word))
    }

    #[test]
    fn a_request_is_built_as_the_rfc_draws_it() {
        let octets = ASKED.octets(120);
        assert_eq!(octets.len(), 60);
        assert_eq!(octets[..8], [2, 1, 0, 0, 0, 0, 0, 120]);
        assert_eq!(octets[8..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 2]);
        assert_eq!(octets[24..36], ASKED.nonce);
        assert_eq!(octets[36..44], [17, 0, 0, 0, 0x9c, 0x40, 0, 0]);
        assert_eq!(octets[44..], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0]);
        assert_eq!(ASKED.octets(0)[4..8], [0; 4]);
    }

    #[test]
    fn the_address_and_the_epoch_are_read_and_options_do_not_matter() {
        let answer = Heard::Answer(Answer { address: [8, 8, 8, 8].into(), epoch: 3600 });
        assert_eq!(read(&good(), &ASKED), answer);
        assert_eq!(with(|octets| octets.extend([200, 0, 0, 4, 1, 2, 3, 4])), answer);
        assert_eq!(read_lifetime(&good(), &ASKED), Some(LIFETIME));
    }

    #[test]
    fn what_is_not_the_answer_is_as_if_it_had_not_come() {
        for length in 0..LENGTH {
            assert!(is_noise(&with(|octets| octets.truncate(length))), "{length}");
        }
        assert!(is_noise(&with(|octets| octets.push(0))), "not a multiple of four");
        assert!(is_noise(&with(|octets| octets.resize(MOST + 4, 0))), "longer than any message");
        assert!(is_noise(&read(&ASKED.octets(LIFETIME), &ASKED)), "our own question");
        for at in (24..37).chain(40..42) {
            assert!(is_noise(&with(|octets| octets[at] ^= 1)), "nonce, protocol and port: {at}");
            let foreign = with(|octets| {
                octets[at] ^= 1;
                octets[3] = 2;
            });
            assert!(is_noise(&foreign), "a refusal of somebody else's: {at}");
        }
        for operation in [128, 130, 131, 255, 1] {
            assert!(is_noise(&with(|octets| octets[1] = operation)), "{operation}");
        }
        for version in [0, 1, 3] {
            assert!(is_noise(&with(|octets| octets[0] = version)), "{version}");
        }
    }

    #[test]
    fn a_refusal_is_said_in_words_and_ends_the_waiting() {
        for code in 1..=14 {
            assert!(refused(&with(|octets| octets[3] = code), &format!("(code {code})")), "{code}");
            let short = with(|octets| {
                octets[3] = code;
                octets.truncate(HEADER);
            });
            assert!(refused(&short, &format!("(code {code})")), "{code}");
        }
        assert!(refused(&with(|octets| octets[3] = 12), "another NAT"));
        assert!(refused(&read(&[0, 129, 0, 1, 0, 0, 0, 9], &ASKED), "NAT-PMP"));
        assert!(refused(&read(&[1, 129, 0, 1], &ASKED), "version 1"));
        assert!(refused(&with(|octets| octets[56..].fill(0)), "not connected"));
        assert!(refused(&with(|octets| octets[44] = 0x20), "IPv6"));
    }

    proptest! {
        #[test]
        fn without_our_nonce_nothing_is_an_answer(octets in proptest::collection::vec(any::<u8>(), 0..1200)) {
            prop_assert!(!matches!(read(&octets, &ASKED), Heard::Answer(_)));
        }

        #[test]
        fn an_answer_that_was_garbled_never_panics(at in 0_usize..60, octet: u8, cut in 0_usize..61) {
            let mut octets = good();
            octets[at] = octet;
            octets.truncate(cut);
            let _ = (read(&octets, &ASKED), read_lifetime(&octets, &ASKED));
        }
    }
}
