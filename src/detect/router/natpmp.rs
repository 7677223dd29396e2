//! NAT-PMP (RFC 6886): the request for the router's address outside. It changes nothing at the router.

use std::time::Duration;

use super::datagram::{self, Answer, Heard};
use super::gateway::Gateway;

/// The port of NAT-PMP and PCP servers (RFC 6886, section 3; RFC 6887, section 19.1).
pub const PORT: u16 = 5351;

/// RFC 6886, section 3.1: 250 ms and then twice as long each time. Its nine steps take two minutes; after four, within the time
/// of a detector, nobody is there.
const SCHEDULE: [Duration; 4] =
    [Duration::from_millis(250), Duration::from_millis(500), Duration::from_millis(1000), Duration::from_millis(2000)];

/// Version 0, operation code 0 (section 3.2).
const REQUEST: [u8; 2] = [0, 0];
/// What is added to a request's operation code in its answer.
const ANSWER: u8 = 128;
/// The octets of the answer.
const LENGTH: usize = 12;
/// The octets of one that refuses: all but the address.
const REFUSAL: usize = 8;

/// Asks the router.
pub(super) async fn ask(gateway: &Gateway, port: u16) -> Result<Answer, String> {
    let socket = datagram::open_to(gateway, port).await?;
    datagram::ask(&socket, &REQUEST, &SCHEDULE, read).await
}

/// Reads a datagram that came from the router's port.
///
/// `00 80 0000 00000e10 08080808` is 8.8.8.8, an hour after the start.
#[must_use]
pub fn read(octets: &[u8]) -> Heard<Answer> {
    let noise = |why: &str| Heard::Noise(why.into());
    let &[version, operation, high, low, a, b, c, d, ref address @ ..] = octets else {
        return noise("it is shorter than an answer");
    };
    let code = u16::from_be_bytes([high, low]);
    if operation & ANSWER == 0 {
        return noise("it is a question");
    }
    if version != 0 {
        // A PCP server's word for a request whose version it does not speak has the code in the same place (RFC 6887,
        // section 9), whatever the operation.
        return match code {
            1 => Heard::Refused(format!("it speaks version {version} of the protocol alone (PCP is version 2)")),
            _ => noise("it is of another version"),
        };
    }
    if operation != ANSWER {
        return noise("it answers another question");
    }
    if code != 0 {
        return Heard::Refused(format!("{} (code {code})", words(code)));
    }
    let &[e, f, g, h] = address else {
        return Heard::Noise(format!("it has {} octets, not {LENGTH}", REFUSAL + address.len()));
    };
    let answer = Answer { address: [e, f, g, h].into(), epoch: u32::from_be_bytes([a, b, c, d]) };
    if answer.address.is_unspecified() {
        return Heard::Refused("it has no address outside: it is not connected".into());
    }
    Heard::Answer(answer)
}

/// What a result code means (RFC 6886, section 3.5).
fn words(code: u16) -> &'static str {
    match code {
        1 => "it does not speak version 0 of the protocol",
        2 => "it may not say it: switched off",
        3 => "it has no address outside that it could say: not connected, or itself behind a NAT",
        4 => "it is out of resources",
        5 => "it does not know the question",
        _ => "it refuses",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: [u8; 12] = [0, 128, 0, 0, 0, 0, 0x0e, 0x10, 8, 8, 8, 8];

    fn with(at: usize, octet: u8) -> Heard<Answer> {
        let mut octets = GOOD;
        octets[at] = octet;
        read(&octets)
    }

    fn refused(heard: &Heard<Answer>, word: &str) -> bool {
        matches!(heard, Heard::Refused(why) if why.contains(word))
    }

    #[test]
    fn the_address_and_the_epoch_are_read() {
        assert_eq!(read(&GOOD), Heard::Answer(Answer { address: [8, 8, 8, 8].into(), epoch: 3600 }));
    }

    #[test]
    fn what_is_not_the_answer_is_as_if_it_had_not_come() {
        for length in 0..GOOD.len() {
            assert!(matches!(read(&GOOD[..length]), Heard::Noise(_)), "{length}");
        }
        assert!(matches!(read(&[&GOOD[..], &[0]].concat()), Heard::Noise(_)), "too long");
        assert!(matches!(read(&[0, 0]), Heard::Noise(_)), "our own question");
        for operation in [0, 1, 2, 127, 129, 130, 255] {
            assert!(matches!(with(1, operation), Heard::Noise(_)), "operation {operation}");
        }
        for version in [1, 2, 255] {
            assert!(matches!(with(0, version), Heard::Noise(_)), "version {version}");
        }
    }

    #[test]
    fn a_refusal_is_said_in_words_and_ends_the_waiting() {
        for code in 1..=6 {
            assert!(refused(&with(3, code), &format!("(code {code})")), "{code}");
            assert!(refused(&read(&[0, 128, 0, code, 0, 0, 0, 1]), &format!("(code {code})")), "short: {code}");
        }
        assert!(refused(&with(2, 1), "(code 256)"));
        let pcp_only = [2, 128, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(refused(&read(&pcp_only), "version 2"));
        assert!(refused(&read(&[0, 128, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]), "not connected"));
    }

    proptest! {
        #[test]
        fn only_twelve_octets_can_be_an_address(octets in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Heard::Answer(answer) = read(&octets) {
                prop_assert_eq!(octets.len(), LENGTH);
                prop_assert_eq!(&octets[8..], &answer.address.octets()[..]);
                prop_assert_eq!(&octets[..4], &[0, 128, 0, 0][..]);
            }
        }
    }
}
