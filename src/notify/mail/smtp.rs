//! The message as an e-mail, and the server that takes it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message as Mail, Tokio1Executor};
use secrecy::ExposeSecret;

use crate::model::error::{Error, Result, Scope};
use crate::model::news::Message;
use crate::net::roots::trusted;
use crate::net::unanswered::causes;
use crate::notify::Channel;
use crate::notify::web::required;
use crate::os::secret::Secret;
use crate::provider::setting::{Settings, SettingsError};

/// How long each step of the conversation may take.
const STEP: Duration = Duration::from_secs(10);

/// How what is said is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    None,
    StartTls,
    Tls,
}

/// A mail server, and who writes to whom.
pub(super) struct Smtp {
    name: String,
    server: String,
    port: u16,
    security: Security,
    login: Option<(String, Secret)>,
    from: Mailbox,
    to: Vec<Mailbox>,
    cacert: Option<PathBuf>,
}

impl Smtp {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let server = required("server", settings.text("server"))?.to_owned();
        if server.contains(|c: char| !(c.is_ascii_alphanumeric() || "-._:".contains(c))) {
            return Err(SettingsError::of("server", "this is no host name; the port stands in `port`"));
        }
        let security = match settings.text("security") {
            Some("none") => Security::None,
            Some("starttls") => Security::StartTls,
            _ => Security::Tls,
        };
        if security == Security::None && !is_here(&server) {
            let why = "mail is sent in clear to a server on this machine alone: write \"tls\" or \"starttls\"";
            return Err(SettingsError::of("security", why));
        }
        let usual = match security {
            Security::None => 25,
            Security::StartTls => 587,
            Security::Tls => 465,
        };
        let login = match (settings.text("username"), settings.secret("password")) {
            (None, None) => None,
            (Some(username), Some(password)) => Some((username.to_owned(), password.clone())),
            (Some(_), None) => return Err(SettingsError::of("username", "a `password` belongs to it")),
            (None, Some(_)) => return Err(SettingsError::of("password", "a `username` belongs to it")),
        };
        let to = required("to", settings.texts("to"))?.iter().map(|text| mailbox("to", text));
        Ok(Self {
            name: settings.account.clone(),
            server,
            port: settings.number("port").and_then(|port| u16::try_from(port).ok()).unwrap_or(usual),
            security,
            login,
            from: mailbox("from", required("from", settings.text("from"))?)?,
            to: to.collect::<Result<_, _>>()?,
            cacert: settings.path("cacert").map(Into::into),
        })
    }

    /// The connection that is made for one message: it trusts the same roots as calls over https, as they are now.
    fn transport(&self, doing: &str) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
        let wrong = |why: String| Error::config(doing, why).unsent();
        let tls = match self.security {
            Security::None => Tls::None,
            _ => {
                let roots = trusted(self.cacert.as_deref()).map_err(wrong)?;
                let store = if roots.is_empty() { CertificateStore::WebpkiRoots } else { CertificateStore::None };
                let mut parameters = TlsParameters::builder(self.server.clone()).certificate_store(store);
                for root in roots {
                    let root = Certificate::from_der(root.to_vec()).map_err(|error| wrong(error.to_string()))?;
                    parameters = parameters.add_root_certificate(root);
                }
                let parameters = parameters.build_rustls().map_err(|error| wrong(error.to_string()))?;
                if self.security == Security::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
            }
        };
        let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.server)
            .port(self.port)
            .tls(tls)
            .timeout(Some(STEP))
            .hello_name(ClientId::Domain("localhost".into()));
        Ok(match &self.login {
            None => transport.build(),
            Some((username, password)) => {
                let password = password.read().map_err(|error| error.doing(doing))?;
                let password = password.expose_secret().to_owned();
                transport.credentials(Credentials::new(username.clone(), password)).build()
            }
        })
    }

    /// The message as an e-mail that no program answers (RFC 3834).
    fn mail(&self, message: &Message) -> Result<Mail, lettre::error::Error> {
        let mut mail = Mail::builder()
            .from(self.from.clone())
            .subject(format!("driftless: {}", message.title))
            .message_id(None)
            .header(header::ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let automatic = header::HeaderName::new_from_ascii_str("Auto-Submitted");
        let mail = mail.raw_header(header::HeaderValue::new(automatic, "auto-generated".into()));
        mail.body(format!("{}\n\n{}\n", message.text, message.at))
    }

    /// What went wrong, in words that repeat nothing of what the server said: it may repeat the password.
    fn failed(&self, error: &lettre::transport::smtp::Error, doing: &str) -> Error {
        let server = format!("{}:{}", self.server, self.port);
        let causes = causes(error);
        if let Some(tls) = causes.iter().find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            return Error::transient(doing, format!("TLS with {server} failed: {tls}")).unsent();
        }
        if let Some(code) = error.status() {
            let code = u16::from(code);
            return match code {
                // RFC 4954, section 6: what is wrong with a login.
                530 | 534 | 535 | 538 => {
                    Error::auth(Scope::Account, doing, format!("{server} refuses the login (status {code})"))
                }
                500.. => Error::config(doing, format!("{server} refuses the message (status {code})")),
                _ => Error::transient(doing, format!("{server} does not take the message now (status {code})")),
            };
        }
        if error.is_timeout() {
            return Error::transient(doing, format!("no answer from {server} within {} s", STEP.as_secs()));
        }
        if error.is_client() {
            let why = match self.security {
                Security::StartTls => "it offers no STARTTLS, or no way to log in that we know",
                _ => "it offers no way to log in that we know",
            };
            return Error::config(doing, format!("{server} cannot be spoken to: {why}")).unsent();
        }
        let io = causes.iter().rev().find_map(|cause| cause.downcast_ref::<std::io::Error>());
        let why = io.map_or_else(|| "it does not speak SMTP as expected".to_owned(), ToString::to_string);
        Error::transient(doing, format!("no mail by {server}: {why}"))
    }
}

/// Whether a server is this machine.
fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn mailbox(setting: &'static str, text: &str) -> Result<Mailbox, SettingsError> {
    text.parse().map_err(|why| SettingsError::of(setting, format!("\"{text}\" is no address of e-mail: {why}")))
}

#[async_trait]
impl Channel for Smtp {
    async fn tell(&self, message: &Message) -> Result<()> {
        let doing = format!("telling \"{}\"", self.name);
        let mail = self.mail(message).map_err(|error| Error::config(doing.as_str(), error.to_string()).unsent())?;
        let transport = self.transport(&doing)?;
        transport.send(mail).await.map(drop).map_err(|error| self.failed(&error, &doing))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Wall;
    use crate::provider::setting::Value;

    fn settings(with: &[(&'static str, &str)]) -> Settings {
        let mut settings = Settings::new("mail").with("to", Value::Texts(vec!["Me <me@example.org>".into()]));
        for (name, text) in [("server", "mail.example.org"), ("from", "driftless@example.org")].iter().chain(with) {
            settings.set(name, Value::Text((*text).into()));
        }
        settings
    }

    #[test]
    fn mail_goes_over_tls_unless_it_stays_on_this_machine() {
        let port = |with: &[_]| Smtp::new(&settings(with)).map(|smtp| smtp.port).map_err(|error| error.setting);
        assert_eq!(port(&[]), Ok(465));
        assert_eq!(port(&[("security", "starttls")]), Ok(587));
        assert_eq!(port(&[("security", "none")]), Err(Some("security")));
        assert_eq!(port(&[("security", "none"), ("server", "127.0.0.1")]), Ok(25));
        assert_eq!(port(&[("username", "me")]), Err(Some("username")));
        assert_eq!(port(&[("from", "nobody")]), Err(Some("from")));
        assert_eq!(port(&[("server", "mail.example.org/x")]), Err(Some("server")));
    }

    #[test]
    fn a_message_is_a_mail_with_one_subject_whatever_is_in_it() {
        let smtp = Smtp::new(&settings(&[])).unwrap();
        let message = Message::saying("home: changed\r\nBcc: all@example.org", "ü -> é", true, Wall(0));
        let mail = String::from_utf8(smtp.mail(&message).unwrap().formatted()).unwrap();
        let (head, _) = mail.split_once("\r\n\r\n").unwrap();
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        for field in ["Auto-Submitted: auto-generated", "From: driftless@example.org", "Message-ID: <", "Date: "] {
            assert!(head.lines().any(|line| line.starts_with(field)), "{field}: {head}");
        }
    }
}
