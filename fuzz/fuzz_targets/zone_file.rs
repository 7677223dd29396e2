//! A zone file of any content, edited: exactly the record set that was meant changes, and a second edit changes nothing.

#![no_main]

use driftless::model::record::{RecordType, RrsetKey, Ttl, Value, Values};
use driftless::provider::zonefile::fuzz::{edit, sets};
use driftless_fuzz::target;

// The first octet, a digit in the seeds, chooses how many addresses there shall be; the second whether with a TTL.
target!(|data: &[u8]| {
    let [count, ttl, text @ ..] = data else { return };
    let Some(before) = sets(text) else { return };
    let key = RrsetKey::new("home.example.org".parse().expect("a name"), RecordType::A);
    let values: Values = (0..count % 4).map(|at| Value::V4([198, 51, 100, at].into())).collect();
    let ttl = if ttl % 2 == 0 { None } else { Ttl::new(60) };
    let Ok(Some(edited)) = edit(text, &key, &values, ttl) else { return };
    let mut after = sets(&edited).expect("what was edited can be read");
    match after.remove(&key) {
        Some((held, own)) => {
            assert_eq!(held, values);
            assert!(ttl.is_none() || own == ttl, "{own:?}");
        }
        None => assert!(values.is_empty()),
    }
    let of_others = |key: &RrsetKey| key.rtype != RecordType::Soa;
    let others: Vec<_> = before.iter().filter(|(other, _)| **other != key && of_others(other)).collect();
    assert_eq!(others, after.iter().filter(|(other, _)| of_others(other)).collect::<Vec<_>>());
    assert_eq!(edit(&edited, &key, &values, ttl), Ok(None), "a second edit changes nothing");
});
