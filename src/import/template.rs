//! URLs that say how a service is updated: which of them are dyndns2.

use reqwest::Url;

use super::services::{OTHER, Service, find};

/// Parameters that stay as they are, whose values are no secrets.
const CONSTANT: &[&str] = &["backmx", "keepipv6", "mx", "offline", "system", "url", "wildcard"];

/// The words that a template has for what is put in.
#[derive(Debug)]
pub(super) struct Words {
    pub name: &'static str,
    pub address: &'static str,
    pub user: &'static str,
    pub password: &'static str,
}

/// A URL that is dyndns2.
#[derive(Debug)]
pub(super) struct Template {
    /// The URL without what is put in.
    pub server: String,
    /// The service at this host, or any.
    pub service: &'static Service,
    /// The user, where the URL says one in place.
    pub username: Option<String>,
    /// The password likewise.
    pub password: Option<String>,
    /// The name, where the URL says it in place.
    pub name: Option<String>,
    /// Whether each record's name is its user.
    pub user_is_name: bool,
}

/// Reads a URL with the words of a tool in it. `basic`: the tool sends user and password by HTTP Basic whatever the URL says.
///
/// # Errors
/// Why it is not dyndns2 as it is spoken here. Never repeats the URL.
pub(super) fn read(text: &str, words: &Words, basic: bool) -> Result<Template, &'static str> {
    let scheme = text.find("://").map_or(0, |at| at + 3);
    let (_, rest) = text.split_at_checked(scheme).ok_or("it is no URL")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (login, host) = authority.rsplit_once('@').map_or((None, authority), |(login, host)| (Some(login), host));
    let (path, query) = tail.split_once('?').map_or((tail, ""), |(path, query)| (path, query));
    let mut template = Template {
        server: String::new(),
        service: &OTHER,
        username: None,
        password: None,
        name: None,
        user_is_name: false,
    };
    match login {
        Some(login) => take_login(&mut template, login, words)?,
        None if basic => {}
        None => return Err("it does not log in by HTTP Basic"),
    }
    let constants = take_query(&mut template, query, words)?;
    let is_put_in =
        |text: &str| [words.name, words.address, words.user, words.password].iter().any(|word| text.contains(word));
    if is_put_in(host) || is_put_in(path) {
        return Err("host and path differ by name");
    }
    let wanted = if constants.is_empty() { String::new() } else { format!("?{}", constants.join("&")) };
    let path = match path {
        "/nic/update" if wanted.is_empty() => "",
        // A bare host has our own path put behind it.
        "" | "/" if wanted.is_empty() => "/?",
        "" => "/",
        path => path,
    };
    let url = format!("https://{host}{path}{wanted}");
    let parsed = Url::parse(&url).map_err(|_| "it is no URL")?;
    template.service = find(parsed.host_str().unwrap_or_default()).unwrap_or(&OTHER);
    template.server = url;
    Ok(template)
}

fn take_login(template: &mut Template, login: &str, words: &Words) -> Result<(), &'static str> {
    let (user, password) = login.split_once(':').ok_or("its login has no password")?;
    if user == words.name {
        template.user_is_name = true;
    } else if user != words.user {
        template.username = Some(user.to_owned());
    }
    if password != words.password {
        template.password = Some(password.to_owned());
    }
    Ok(())
}

/// Takes the parameters of dyndns2, and answers those that stay as they are.
fn take_query<'a>(template: &mut Template, query: &'a str, words: &Words) -> Result<Vec<&'a str>, &'static str> {
    let (mut constants, mut has_name, mut has_address) = (Vec::new(), false, false);
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').ok_or("it has a parameter without a value")?;
        match key {
            "hostname" => {
                has_name = true;
                if value != words.name {
                    template.name = Some(value.to_owned());
                }
            }
            "myip" if value == words.address => has_address = true,
            key if CONSTANT.contains(&key) && value.chars().all(|c| c.is_ascii_alphanumeric()) => constants.push(part),
            _ => return Err("it has parameters that dyndns2 has not"),
        }
    }
    if has_name && has_address { Ok(constants) } else { Err("it does not send hostname and myip") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words = Words { name: "[DOMAIN]", address: "[IP]", user: "[USERNAME]", password: "[PASSWORD]" };

    fn server(url: &str) -> Result<String, &'static str> {
        read(url, &WORDS, false).map(|template| template.server)
    }

    #[test]
    fn a_url_of_dyndns2_becomes_a_server() {
        let login = "[USERNAME]:[PASSWORD]@";
        for (url, expected) in [
            ("http://LOGINmembers.dyndns.org/nic/update?hostname=[DOMAIN]&myip=[IP]", "https://members.dyndns.org"),
            ("https://LOGINddns.example.net:8443/?hostname=[DOMAIN]&myip=[IP]", "https://ddns.example.net:8443/?"),
            (
                "LOGINwww.ovh.com/nic/update?system=dyndns&hostname=[DOMAIN]&myip=[IP]",
                "https://www.ovh.com/nic/update?system=dyndns",
            ),
            ("http://LOGINnow-dns.com/update?hostname=[DOMAIN]&myip=[IP]", "https://now-dns.com/update"),
        ] {
            assert_eq!(server(&url.replace("LOGIN", login)).as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_dyndns2_has_not_is_refused() {
        for url in [
            "http://example.net/nic/update?hostname=[DOMAIN]&myip=[IP]",
            "http://u:p@example.net/nic/update?hostname=[DOMAIN]",
            "http://u:p@example.net/nic/update?hostname=[DOMAIN]&ip=[IP]",
            "http://u:p@example.net/nic/update?hostname=[DOMAIN]&myip=[IP]&token=[PASSWORD]",
            "http://u:p@example.net/[DOMAIN]?hostname=[DOMAIN]&myip=[IP]",
            "http://u:p@exa mple.net/?hostname=[DOMAIN]&myip=[IP]",
            "é://",
            "",
        ] {
            assert!(server(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_login_in_place_is_taken_out_of_the_url() {
        let template =
            read("https://me:hunter2@ddns.example.net/nic/update?hostname=[DOMAIN]&myip=[IP]", &WORDS, false).unwrap();
        assert_eq!((template.username.as_deref(), template.password.as_deref()), (Some("me"), Some("hunter2")));
        assert_eq!(template.server, "https://ddns.example.net");
    }
}
