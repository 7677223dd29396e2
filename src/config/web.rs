//! The status page: where it listens, under which names, and what whoever presses a button must know.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::input::Input;
use super::meant::Web;
use super::reader::{Field, Fields, Reader, error};
use super::tree::Table;
use super::{declared, defaults, secret};
use crate::os::listen::Listen;
use crate::provider::setting::{Kind, Setting};

/// What whoever presses a button must know.
const TOKEN: Setting = Setting::optional("token", Kind::Secret, "what whoever presses a button must know");

/// Reads `[web]`; `None` where there is none, or where it does not say where to listen.
pub(super) fn read(reader: &mut Reader, input: &Input, root: &Table) -> Option<Web> {
    let table = defaults::section(root, "web")?;
    let mut fields = Fields::new(table);
    let (token, is_file) = declared::pick(reader, &mut fields, &TOKEN);
    let token = token.and_then(|field| {
        if is_file { secret::file(reader, input, field) } else { secret::read(reader, input, "[web]", field) }
    });
    let hosts = fields.take("hosts").and_then(|field| hosts(reader, field));
    let remote = fields.take("allow_remote").and_then(|field| reader.flag(field)).unwrap_or(false);
    let typed = fields.take("listen");
    fields.finish(reader, "[web]");
    let Some(field) = typed else {
        if let Some((at, _)) = root.get("web") {
            let help = "listen = \"127.0.0.1:8053\", or \"unix:/run/driftless/web.sock\", or \"systemd\"";
            reader.note(error(*at, "[web] does not say where to `listen`").help(help.to_owned()));
        }
        return None;
    };
    let listen = listen(reader, field, remote)?;
    if !cfg!(feature = "web") {
        let message = "[web]: this driftless was built without the feature `web`";
        reader.note(error(field.at, message).help("build it with --features web, or leave [web] out".to_owned()));
        return None;
    }
    Some(Web { listen, hosts: hosts.unwrap_or_default(), token })
}

/// Reads an address with its port, `unix:` and a path, or `systemd`.
fn listen(reader: &mut Reader, field: Field<'_>, remote: bool) -> Option<Listen> {
    let text = reader.text(field, "an address such as \"127.0.0.1:8053\"")?;
    if text == "systemd" {
        return Some(Listen::Systemd);
    }
    if let Some(path) = text.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        if !path.is_absolute() {
            reader.refuse(field, "the path must be absolute: \"unix:/run/driftless/web.sock\"");
            return None;
        }
        return Some(Listen::Path(path));
    }
    let Ok(address) = text.parse::<SocketAddr>() else {
        let message = format!("`{}`: \"{text}\" is nothing to listen at", field.key);
        let help =
            "write an address with its port, \"127.0.0.1:8053\" or \"[::1]:8053\", or \"unix:/path\", or \"systemd\"";
        reader.note(error(field.node.at, message).help(help.to_owned()));
        return None;
    };
    if address.port() == 0 {
        reader.refuse(field, "there is no port 0");
        return None;
    }
    if !address.ip().to_canonical().is_loopback() && !remote {
        let message = format!("`{}`: others could reach {address}, and read all that the page shows", field.key);
        let help =
            "listen at 127.0.0.1 and put a web server with TLS and a password before it, or write allow_remote = true";
        reader.note(error(field.node.at, message).help(help.to_owned()));
        return None;
    }
    Some(Listen::Address(address))
}

/// Reads `hosts`: names without ports.
fn hosts(reader: &mut Reader, field: Field<'_>) -> Option<Vec<String>> {
    let hosts = reader.texts(field, "a list of names such as [\"ddns.example.org\"]")?;
    for host in &hosts {
        if !host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
            reader.refuse(field, format!("\"{}\" is no name of a host: no scheme, port or path", host.escape_debug()));
            return None;
        }
    }
    Some(hosts)
}
