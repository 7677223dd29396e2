//! The status page: where it may listen, and what is said of where it may not.
#![cfg(feature = "web")]

use super::*;
use crate::os::listen::Listen;
use crate::os::secret::Secret;

/// A file with these lines in `[web]`.
fn web(lines: &str) -> Input {
    above_base(&format!("[web]\n{lines}\n"))
}

#[test]
fn it_listens_at_a_loopback_address_a_path_or_a_socket_of_systemd_s() {
    for (listen, expected) in [
        ("127.0.0.1:8053", Listen::Address("127.0.0.1:8053".parse().unwrap())),
        ("127.9.9.9:80", Listen::Address("127.9.9.9:80".parse().unwrap())),
        ("[::1]:8053", Listen::Address("[::1]:8053".parse().unwrap())),
        ("unix:/run/driftless/web.sock", Listen::Path("/run/driftless/web.sock".into())),
        ("systemd", Listen::Systemd),
    ] {
        let found = loaded(&web(&format!("listen = \"{listen}\""))).web.unwrap();
        assert_eq!((found.listen, found.hosts, found.token.is_some()), (expected.clone(), Vec::new(), false));
        assert_eq!(expected.to_string(), listen);
    }
    let remote = loaded(&web("listen = \"0.0.0.0:8053\"\nallow_remote = true\nhosts = [\"ddns.example.org\"]"));
    assert_eq!(remote.web.unwrap().hosts, ["ddns.example.org"]);
    assert!(loaded(&above_base("")).web.is_none());
}

#[test]
fn its_token_is_a_secret_as_any_other() {
    for line in ["token = { file = \"/run/t\" }", "token_file = \"/run/t\""] {
        let config = loaded(&web(&format!("listen = \"systemd\"\n{line}")));
        let web = config.web.unwrap();
        assert_eq!(web.token.as_ref().and_then(Secret::path), Some("/run/t".as_ref()));
    }
    let text = web("listen = \"systemd\"\ntoken = { credential = \"web\" }");
    assert_eq!(
        errors(&text),
        ["3:24: `token` of [web]: $CREDENTIALS_DIRECTORY is not set, so there are no credentials"]
    );
    let inline = loaded(&web("listen = \"systemd\"\ntoken = \"hunter2-hunter2-hunter2\""));
    assert!(inline.web.as_ref().is_some_and(|web| web.token.is_some()) && !format!("{inline:?}").contains("hunter2"));
    let shown = |text: &Input| Config::load_with(text, &PROVIDERS).unwrap_err().render(false);
    let text = web("listen = \"nowhere\"\ntoken = \"hunter2-hunter2-hunter2\"");
    assert!(!shown(&text).contains("hunter2"), "{}", shown(&text));
}

#[test]
fn where_it_cannot_or_should_not_listen_is_said() {
    for (lines, expected) in [
        ("", "1:2: [web] does not say where to `listen`"),
        ("listen = \"8053\"", "2:10: `listen`: \"8053\" is nothing to listen at"),
        ("listen = \"localhost:8053\"", "2:10: `listen`: \"localhost:8053\" is nothing to listen at"),
        ("listen = \"127.0.0.1:0\"", "2:10: `listen`: there is no port 0"),
        ("listen = \"unix:web.sock\"", "2:10: `listen`: the path must be absolute: \"unix:/run/driftless/web.sock\""),
        (
            "listen = \"0.0.0.0:8053\"",
            "2:10: `listen`: others could reach 0.0.0.0:8053, and read all that the page shows",
        ),
        ("listen = \"[::]:80\"", "2:10: `listen`: others could reach [::]:80, and read all that the page shows"),
        (
            "listen = \"systemd\"\nhosts = [\"https://a.example.org\"]",
            "3:9: `hosts`: \"https://a.example.org\" is no name of a host: no scheme, port or path",
        ),
        ("listen = \"systemd\"\nport = 1", "3:1: `port` is not a key of [web]"),
    ] {
        assert_eq!(errors(&web(lines)), [expected], "{lines}");
    }
}
