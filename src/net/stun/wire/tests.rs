//! Answers of RFC 5769, and answers that nobody should believe.

use proptest::prelude::*;

use super::*;
use Transport::{Tcp, Udp};

/// The transaction of RFC 5769's sample answers.
const ID: Id = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];

/// RFC 5769, section 2.2: 192.0.2.1, port 32853, with MESSAGE-INTEGRITY and FINGERPRINT.
const SAMPLE_V4: &str = "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643\
    000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96";
/// RFC 5769, section 2.3: 2001:db8:1234:5678:11:2233:4455:6677, port 32853.
const SAMPLE_V6: &str = "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9fa\
    a5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c";

fn hex(text: &str) -> Vec<u8> {
    data_encoding::HEXLOWER.decode(text.as_bytes()).unwrap()
}

/// An attribute with its padding.
fn attr(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value, &padding].concat()
}

/// An answer of a kind with these attributes.
fn message(kind: u16, attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = attributes.concat();
    let length = u16::try_from(body.len()).unwrap();
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), &COOKIE.to_be_bytes(), &ID, &body].concat()
}

fn plain(address: [u8; 4]) -> Vec<u8> {
    attr(MAPPED_ADDRESS, &[&[0, 1, 0x80, 0x55][..], &address].concat())
}

fn xor(address: [u8; 4]) -> Vec<u8> {
    let mixed = u32::from_be_bytes(address) ^ COOKIE;
    attr(XOR_MAPPED_ADDRESS, &[&[0, 1, 0xa1, 0x47][..], &mixed.to_be_bytes()].concat())
}

/// The same message with a right fingerprint at its end.
fn fingerprinted(mut message: Vec<u8>) -> Vec<u8> {
    let length = u16::try_from(message.len() - HEADER + 8).unwrap();
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let sum = crc32(&message) ^ FINGERPRINT_XOR;
    message.extend(attr(FINGERPRINT, &sum.to_be_bytes()));
    message
}

fn success(attributes: &[Vec<u8>]) -> Result<IpAddr, Bad> {
    read(&message(SUCCESS, attributes), &ID, Udp)
}

fn why(outcome: Result<IpAddr, Bad>) -> String {
    match outcome {
        Err(Bad::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn is_passed_over(octets: &[u8]) -> bool {
    matches!(read(octets, &ID, Udp), Err(Bad::NotOurs(_)))
}

#[test]
fn the_rfcs_own_answers_are_understood() {
    assert_eq!(read(&hex(SAMPLE_V4), &ID, Udp), Ok("192.0.2.1".parse().unwrap()));
    assert_eq!(read(&hex(SAMPLE_V6), &ID, Tcp), Ok("2001:db8:1234:5678:11:2233:4455:6677".parse().unwrap()));
}

#[test]
fn a_request_is_a_header_with_cookie_and_transaction() {
    let octets = request(&ID);
    assert_eq!(octets, [&hex("000100002112a442")[..], &ID].concat());
    assert!(is_passed_over(&octets), "a request that is thrown back is no answer");
}

#[test]
fn a_changed_bit_is_never_read_as_another_address() {
    for sample in [SAMPLE_V4, SAMPLE_V6] {
        let right = hex(sample);
        let address = read(&right, &ID, Udp);
        let mut refused = 0;
        for bit in 0..right.len() * 8 {
            let mut octets = right.clone();
            octets[bit / 8] ^= 1 << (bit % 8);
            // Without its kind, a fingerprint is something that need not be understood: 16 bits. One more lets the seal before
            // it swallow it.
            let outcome = read(&octets, &ID, Udp);
            assert!(outcome.is_err() || outcome == address, "bit {bit}: {outcome:?}");
            refused += usize::from(outcome.is_err());
        }
        assert!(refused >= right.len() * 8 - 17, "{refused}");
    }
}

#[test]
fn what_is_cut_off_or_goes_on_is_no_answer() {
    let right = hex(SAMPLE_V4);
    for length in 0..right.len() {
        assert!(is_passed_over(&right[..length]), "{length} octets");
    }
    assert!(is_passed_over(&[&right[..], &[0; 4]].concat()));
    // The length fits, an attribute does not.
    let mut short = message(SUCCESS, &[xor([8, 8, 8, 8])]);
    short[HEADER + 3] = 12;
    assert!(why(read(&short, &ID, Udp)).contains("cut off"));
}

#[test]
fn only_the_answer_to_this_request_counts() {
    let right = message(SUCCESS, &[xor([8, 8, 8, 8])]);
    assert_eq!(read(&right, &ID, Udp), Ok("8.8.8.8".parse().unwrap()));
    assert!(matches!(read(&right, &[0; 12], Udp), Err(Bad::NotOurs(why)) if why.contains("another transaction")));
    for kind in [REQUEST, 0x0011, 0x0102, 0x0103, 0x0113, 0x8101] {
        assert!(is_passed_over(&message(kind, &[xor([8, 8, 8, 8])])), "{kind:#06x}");
    }
    let mut other_cookie = right.clone();
    other_cookie[4] = 0;
    assert!(is_passed_over(&other_cookie));
    let mut odd = right;
    odd.push(0);
    odd[3] += 1;
    assert!(is_passed_over(&odd), "a length that is no multiple of four");
}

#[test]
fn one_address_of_a_known_form_or_none() {
    assert!(why(success(&[])).contains("no address"));
    assert!(why(success(&[xor([8, 8, 8, 8]), xor([8, 8, 4, 4])])).contains("more than one"));
    assert!(why(success(&[xor([8, 8, 8, 8]), xor([8, 8, 8, 8])])).contains("more than one"));
    for value in [&[][..], &[0, 1, 0, 0], &[0, 1, 0, 0, 8, 8, 8], &[0, 2, 0, 0, 8, 8, 8, 8], &[0, 3, 0, 0, 8, 8, 8, 8]]
    {
        assert!(why(success(&[attr(XOR_MAPPED_ADDRESS, value)])).contains("known form"), "{value:?}");
    }
    assert!(why(success(&[attr(XOR_MAPPED_ADDRESS, &[1; 21])])).contains("known form"));
}

#[test]
fn an_attribute_that_has_to_be_understood_spoils_the_answer() {
    assert!(why(success(&[xor([8, 8, 8, 8]), attr(0x7ffe, &[])])).contains("0x7ffe"));
    assert!(success(&[xor([8, 8, 8, 8]), attr(0xfffe, &[1, 2, 3])]).is_ok(), "one that need not be");
    assert!(success(&[attr(0x0005, &[0; 8]), xor([8, 8, 8, 8])]).is_ok(), "CHANGED-ADDRESS of RFC 3489");
}

#[test]
fn a_plain_address_counts_only_of_a_server_that_knows_no_other() {
    let old = message(SUCCESS, &[plain([8, 8, 8, 8]), attr(0x0004, &[0; 8]), attr(0x0005, &[0; 8])]);
    assert_eq!(read(&old, &ID, Udp), Ok("8.8.8.8".parse().unwrap()));
    assert!(why(read(&old, &ID, Tcp)).contains("rewritten"), "RFC 3489 knows no TCP");
    let new = [plain([8, 8, 8, 8]), attr(0x8022, b"server")];
    assert!(why(success(&new)).contains("rewritten"));
    assert!(why(read(&fingerprinted(message(SUCCESS, &[plain([8, 8, 8, 8])])), &ID, Udp)).contains("rewritten"));
    assert_eq!(success(&[plain([9, 9, 9, 9]), xor([8, 8, 8, 8])]), Ok("8.8.8.8".parse().unwrap()));
}

#[test]
fn what_is_not_sealed_with_the_rest_does_not_count() {
    let sealed = attr(MESSAGE_INTEGRITY, &[0; 20]);
    assert!(why(success(&[sealed.clone(), xor([8, 8, 8, 8])])).contains("no address"));
    assert_eq!(success(&[xor([8, 8, 8, 8]), sealed, xor([9, 9, 9, 9])]), Ok("8.8.8.8".parse().unwrap()));
}

#[test]
fn a_fingerprint_must_be_right_and_last() {
    let right = fingerprinted(message(SUCCESS, &[xor([8, 8, 8, 8])]));
    assert!(read(&right, &ID, Udp).is_ok());
    let mut wrong = right.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert!(is_passed_over(&wrong));
    // Right as far as it goes, with an address behind it.
    let mut longer = right;
    longer.extend(xor([9, 9, 9, 9]));
    longer[3] += 12;
    assert!(read(&longer, &ID, Udp).is_err());
    assert!(is_passed_over(&message(SUCCESS, &[xor([8, 8, 8, 8]), attr(FINGERPRINT, &[0; 3])])));
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the checksum's usual test");
}

#[test]
fn an_error_is_told_and_obeyed_by_nobody() {
    let error = |value: &[u8]| read(&message(ERROR, &[attr(ERROR_CODE, value), xor([8, 8, 8, 8])]), &ID, Udp);
    assert!(why(error(b"\0\0\x04\x14Unknown Attribute")).ends_with("the error 420 Unknown Attribute"));
    assert!(why(error(b"\0\0\x03\x00")).ends_with("the error 300"));
    let loud = why(error(&[b"\0\0\x05\0\x1b[2J\xff"[..].to_vec(), vec![b'x'; 700]].concat()));
    assert!(!loud.contains('\x1b') && loud.len() < 200, "{loud}");
    assert!(why(error(b"\0\0")).contains("without a code"));
    assert!(why(read(&message(ERROR, &[]), &ID, Udp)).contains("does not name"));
    assert!(
        why(success(&[attr(ERROR_CODE, b"\0\0\x04\0")])).contains("no address"),
        "an error in a success says nothing"
    );
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets: Vec<u8>, tcp: bool) {
        let transport = if tcp { Tcp } else { Udp };
        prop_assert!(read(&octets, &ID, transport).is_err());
    }

    #[test]
    fn any_attributes_are_read_or_refused(
        kinds in prop::collection::vec((prop::sample::select(&[1u16, 8, 9, 0x1c, 0x20, 0x22, 0x8022, 0x8028][..]),
            prop::collection::vec(any::<u8>(), 0..24)), 0..6),
        error: bool,
    ) {
        let attributes: Vec<_> = kinds.iter().map(|(kind, value)| attr(*kind, value)).collect();
        let outcome = read(&message(if error { ERROR } else { SUCCESS }, &attributes), &ID, Udp);
        prop_assert!(outcome.is_err() || !error);
    }

    #[test]
    fn any_address_is_read_back(v4: [u8; 4], v6: u128) {
        prop_assert_eq!(success(&[xor(v4)]), Ok(IpAddr::from(v4)));
        let mixed = v6 ^ mask(&ID);
        let value = [&[0, 2, 0, 0][..], &mixed.to_be_bytes()].concat();
        prop_assert_eq!(success(&[attr(XOR_MAPPED_ADDRESS, &value)]), Ok(IpAddr::from(Ipv6Addr::from(v6))));
    }
}
