//! BIND as the zone's own name server.

use std::process::Command;

use super::tests::values;
use super::*;

/// BIND of the rig, stopped when the test ends in whatever way.
struct Bind(tempfile::TempDir);

const BIND_PORT: u16 = 25391;

impl Bind {
    fn start() -> Self {
        let bind = Self(tempfile::tempdir().unwrap());
        bind.rig("start");
        bind
    }

    fn rig(&self, what: &str) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/rig/bind9.sh");
        let mut command = Command::new(script);
        command.arg(what).env("RIG_DIR", self.0.path()).env("BIND9_PORT", BIND_PORT.to_string());
        assert!(command.env("BIND9_RNDC_PORT", "29591").status().unwrap().success(), "{what}");
    }

    /// Sends dynamic updates to the zone `dyn.example.test`.
    fn update(&self, lines: &str) {
        let file = self.0.path().join("update");
        std::fs::write(&file, format!("server 127.0.0.1 {BIND_PORT}\nzone dyn.example.test\n{lines}\nsend\n")).unwrap();
        let key = "hmac-sha256:ddns-key:c2VjcmV0LWZvci10ZXN0cy1vbmx5LTMyLWJ5dGVzLSE=";
        assert!(Command::new("nsupdate").args(["-y", key]).arg(&file).status().unwrap().success());
    }
}

impl Drop for Bind {
    fn drop(&mut self) {
        self.rig("stop");
    }
}

#[tokio::test]
#[ignore = "needs BIND 9 (tests/rig/bind9.sh)"]
async fn bind_is_understood() {
    let bind = Bind::start();
    let at = SocketAddr::from(([127, 0, 0, 1], BIND_PORT));
    let servers = [("ns1.dyn.example.test".to_owned(), at)];
    let ask = async |name: &str, rtype| {
        let key = RrsetKey::new(Name::parse(name).unwrap(), rtype);
        authoritative(&key, &servers).await.into_iter().next().unwrap()
    };
    let home = async || ask("home.dyn.example.test", RecordType::A).await;

    let before = home().await;
    assert_eq!((&before.outcome, before.ttl), (&Ok(values(&[1])), Ttl::new(60)));
    assert!(matches!(agreement(&[before], &values(&[2])), Verdict::NotYet { .. }));
    bind.update("update delete home.dyn.example.test A\nupdate add home.dyn.example.test 60 A 192.0.2.2");
    assert_eq!(agreement(&[home().await], &values(&[2])), Verdict::Seen);
    assert_eq!(ask("home.dyn.example.test", RecordType::Aaaa).await.outcome, Ok(Values::new()));
    assert_eq!(ask("nobody.dyn.example.test", RecordType::A).await.outcome, Ok(Values::new()));
    assert!(ask("home.example.org", RecordType::A).await.outcome.is_err(), "a zone of others");

    // 1600 octets; BIND takes no more records of one type (max-records-per-type).
    let many: Vec<u8> = (1..=100).collect();
    let add = many.iter().map(|last| format!("update add many.dyn.example.test 60 A 192.0.2.{last}"));
    bind.update(&add.collect::<Vec<_>>().join("\n"));
    assert_eq!(ask("many.dyn.example.test", RecordType::A).await.outcome, Ok(values(&many)), "by TCP");

    bind.update(
        "update add *.dyn.example.test 60 TXT \"v=1 \" \"a;b\"\nupdate add sub.dyn.example.test 60 NS ns.else.test.",
    );
    let text = ask("_x.dyn.example.test", RecordType::Txt).await;
    assert_eq!(text.outcome, Ok(Values::from([Value::Text("v=1 a;b".into())])));
    assert_eq!(ask("*.dyn.example.test", RecordType::Txt).await.outcome, text.outcome);
    assert!(ask("home.sub.dyn.example.test", RecordType::A).await.outcome.is_err(), "a delegation is no answer");

    let found = delegation_by(vec![at], &Name::parse("a.b.dyn.example.test").unwrap()).await;
    assert_eq!(found.unwrap().servers, vec![("ns1.dyn.example.test".into(), SocketAddr::from(([127, 0, 0, 1], PORT)))]);
}
