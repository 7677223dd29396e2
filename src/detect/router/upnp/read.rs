//! What a UPnP router sends, read strictly: the answer to a search, its description, and the answer to a SOAP call.

use std::net::Ipv4Addr;

use reqwest::Url;
use roxmltree::{Document, Node, ParsingOptions};

/// The device that has what we look for; behind it stands the version, 1 or 2 (UPnP InternetGatewayDevice).
pub const DEVICE: &str = "urn:schemas-upnp-org:device:InternetGatewayDevice:";
/// The services that know the address outside.
pub const SERVICES: [&str; 3] = [
    "urn:schemas-upnp-org:service:WANIPConnection:1",
    "urn:schemas-upnp-org:service:WANIPConnection:2",
    "urn:schemas-upnp-org:service:WANPPPConnection:1",
];
/// The call that asks it.
pub const CALL: &str = "GetExternalIPAddress";

/// How many of a router's connections are asked.
const CONNECTIONS: usize = 8;
/// How many header fields the answer to a search may have.
const FIELDS: usize = 32;
/// Of a document, how many elements and texts, and how many attributes and namespaces at most: descriptions have some
/// hundred of the first and hardly any of the second.
const NODES: u32 = 4096;
const EQUAL_SIGNS: usize = 1024;

/// A service of the router and where it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// At the router's own address, over http.
    pub url: Url,
    /// Which of [`SERVICES`].
    pub service: &'static str,
}

/// Where the description is, as a router answers to a search (UPnP Device Architecture, section 1.3.3).
///
/// # Errors
/// In words: no such answer, another device's, or a place that is not at the router itself.
pub fn read_found(octets: &[u8], router: Ipv4Addr) -> Result<Url, String> {
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(octets) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err("the answer to the search ends in the middle".into()),
        Err(error) => return Err(format!("the answer to the search is none: {error}")),
    }
    if response.code != Some(200) {
        return Err("the answer to the search is no success".into());
    }
    let only = |name: &str| {
        let mut values = response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
        match (values.next(), values.next()) {
            (Some(field), None) => std::str::from_utf8(field.value).ok().map(str::trim),
            _ => None,
        }
    };
    if !only("ST").is_some_and(|target| target.starts_with(DEVICE)) {
        return Err("the answer to the search is another device's".into());
    }
    let place = only("LOCATION").ok_or("the answer to the search does not say where the description is")?;
    let url = Url::parse(place).map_err(|error| format!("the place of the description is no URL: {error}"))?;
    at_router(url, router).map_err(|why| format!("the place of the description {why}"))
}

/// The URL, if it leads to the router itself: whoever can make us call elsewhere can misuse us for it.
fn at_router(url: Url, router: Ipv4Addr) -> Result<Url, String> {
    if url.scheme() != "http" {
        return Err("is not over http".into());
    }
    // An address and not a name, which could be resolved elsewhere. The parser writes 0x7f.1 and the like as four numbers.
    if url.host_str().and_then(|host| host.parse().ok()) != Some(router) {
        return Err("is at another host than the router's address: not called".into());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("has a user".into());
    }
    Ok(url)
}

/// The services that can be asked, in their order, each place once.
///
/// # Errors
/// In words: no XML, no router's description, no such service, or only services elsewhere.
pub fn read_description(octets: &[u8], place: &Url, router: Ipv4Addr) -> Result<Vec<Control>, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "the description is no UTF-8")?;
    let document = parse(text).map_err(|why| format!("the description {why}"))?;
    let root = document.root_element();
    let kind = child(root, "device").and_then(|device| text_of(device, "deviceType"));
    if root.tag_name().name() != "root" || !kind.is_some_and(|kind| kind.starts_with(DEVICE)) {
        return Err("the description is not that of an Internet gateway".into());
    }
    // Of version 1.0 of the architecture: what relative places start from.
    let base = match text_of(root, "URLBase").filter(|base| !base.is_empty()) {
        Some(base) => Url::parse(base).map_err(|error| format!("the description's base is no URL: {error}"))?,
        None => place.clone(),
    };
    let mut found: Vec<Control> = Vec::new();
    let mut elsewhere = None;
    for service in root.descendants().filter(|node| node.tag_name().name() == "service") {
        let kind = text_of(service, "serviceType");
        let Some(kind) = SERVICES.into_iter().find(|known| Some(*known) == kind) else { continue };
        let url = text_of(service, "controlURL").filter(|to| !to.is_empty()).ok_or("has no place".to_owned());
        let url = url.and_then(|to| base.join(to).map_err(|error| format!("is no URL: {error}")));
        match url.and_then(|url| at_router(url, router)) {
            Ok(url) if found.iter().any(|known| known.url == url && known.service == kind) => {}
            Ok(url) => found.push(Control { url, service: kind }),
            Err(why) => elsewhere = Some(format!("the control URL of the router's connection {why}")),
        }
    }
    found.truncate(CONNECTIONS);
    match elsewhere {
        _ if !found.is_empty() => Ok(found),
        Some(why) => Err(why),
        None => Err("the description names no connection to the internet".into()),
    }
}

/// The address outside, as a SOAP call answers.
///
/// # Errors
/// In words: no such answer, or no address in it.
pub fn read_address(octets: &[u8]) -> Result<Ipv4Addr, String> {
    let text = std::str::from_utf8(octets).map_err(|_| "the answer is no UTF-8")?;
    let document = parse(text).map_err(|why| format!("the answer {why}"))?;
    let answer = body(&document).and_then(|body| child(body, "GetExternalIPAddressResponse"));
    let address = answer.and_then(|answer| text_of(answer, "NewExternalIPAddress"));
    match address.ok_or("the answer has no address in the place for it")? {
        "" => Err("it has no address outside: it is not connected".into()),
        address => match address.parse::<Ipv4Addr>() {
            Ok(address) if address.is_unspecified() => {
                Err("it has no address outside (0.0.0.0): it is not connected".into())
            }
            Ok(address) => Ok(address),
            Err(_) => Err(format!("the answer is no IPv4 address: \"{}\"", beginning(address))),
        },
    }
}

/// Why a SOAP call was refused, where it says so (UPnP Device Architecture, section 3.1.4).
#[must_use]
pub fn read_refusal(octets: &[u8]) -> Option<String> {
    let document = std::str::from_utf8(octets).ok().and_then(|text| parse(text).ok())?;
    let fault = body(&document).and_then(|body| child(body, "Fault"))?;
    let error = child(child(fault, "detail")?, "UPnPError")?;
    let code: u16 = text_of(error, "errorCode")?.parse().ok()?;
    let said = text_of(error, "errorDescription").map(beginning).filter(|said| !said.is_empty());
    Some(format!("it refuses: {} (code {code})", said.unwrap_or_else(|| "it does not say why".into())))
}

/// Reads a document: well formed, without a document type, so that there are no entities, and of a bounded size.
fn parse(text: &str) -> Result<Document<'_>, String> {
    if text.bytes().filter(|octet| *octet == b'=').count() > EQUAL_SIGNS {
        return Err("has more attributes than are read".into());
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => "has a document type, which is not read".to_owned(),
        roxmltree::Error::NodesLimitReached => "has more elements than are read".to_owned(),
        // The others repeat parts of the text.
        _ => "is no well-formed XML".to_owned(),
    })
}

/// The body of a SOAP message.
fn body<'a, 'input>(document: &'a Document<'input>) -> Option<Node<'a, 'input>> {
    let envelope = document.root_element();
    (envelope.tag_name().name() == "Envelope").then(|| child(envelope, "Body")).flatten()
}

/// The only child of this name, in whatever namespace: routers' differ.
fn child<'a, 'input>(of: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    let mut found = of.children().filter(|node| node.is_element() && node.tag_name().name() == name);
    let (first, second) = (found.next(), found.next());
    first.filter(|_| second.is_none())
}

/// The text of the only child of this name, without white space around it; nothing where it has elements in it.
fn text_of<'a>(of: Node<'a, '_>, name: &str) -> Option<&'a str> {
    let node = child(of, name)?;
    let mut parts = node.children();
    match (parts.next(), parts.next()) {
        (None, _) => Some(""),
        (Some(part), None) if part.is_text() => part.text().map(str::trim_ascii),
        _ => None,
    }
}

/// The beginning of what a router said, so that it can be shown.
fn beginning(text: &str) -> String {
    text.chars().take(50).collect::<String>().escape_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    fn found(fields: &str) -> Result<String, String> {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        read_found(text.as_bytes(), ROUTER).map(String::from)
    }

    fn place() -> Url {
        Url::parse("http://192.168.1.1:5000/rootDesc.xml").unwrap()
    }

    fn described(inside: &str) -> Result<Vec<Control>, String> {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>\
             <deviceType>{DEVICE}1</deviceType>{inside}</device></root>"
        );
        read_description(text.as_bytes(), &place(), ROUTER)
    }

    fn service(kind: &str, to: &str) -> String {
        format!(
            "<deviceList><device><serviceList><service><serviceType>{kind}</serviceType>\
             <controlURL>{to}</controlURL></service></serviceList></device></deviceList>"
        )
    }

    fn urls(found: Result<Vec<Control>, String>) -> Vec<String> {
        found.unwrap().into_iter().map(|control| control.url.into()).collect()
    }

    fn answered(address: &str) -> Result<Ipv4Addr, String> {
        let text = format!(
            "<?xml version=\"1.0\"?>\r\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
             <u:GetExternalIPAddressResponse xmlns:u=\"{}\"><NewExternalIPAddress>{address}</NewExternalIPAddress>\
             </u:GetExternalIPAddressResponse></s:Body></s:Envelope>\r\n",
            SERVICES[0]
        );
        read_address(text.as_bytes())
    }

    #[test]
    fn the_place_of_the_description_is_at_the_router_or_not_believed() {
        let st = format!("ST: {DEVICE}1\r\n");
        let at = |location: &str| found(&format!("{st}Location: {location}\r\nUSN: uuid:x\r\n"));
        assert_eq!(at("http://192.168.1.1:5000/d.xml").unwrap(), "http://192.168.1.1:5000/d.xml");
        assert_eq!(at("http://192.168.1.1/").unwrap(), "http://192.168.1.1/");
        for elsewhere in [
            "http://192.168.1.2/",
            "http://router.example/",
            "http://192.168.1.1.example.org/",
            "http://192.168.1.1@192.168.1.2/",
            "http://[::ffff:192.168.1.1]/",
            "http://127.0.0.1:80/",
        ] {
            assert!(at(elsewhere).unwrap_err().contains("another host"), "{elsewhere}");
        }
        assert!(at("http://me:secret@192.168.1.1/").unwrap_err().contains("has a user"));
        for bad in ["https://192.168.1.1/", "file:///etc/passwd", "/d.xml", "", "gopher://192.168.1.1:70/"] {
            assert!(at(bad).is_err(), "{bad}");
        }
        assert!(found(&st).unwrap_err().contains("does not say where"));
        let twice = format!("{st}LOCATION: http://192.168.1.1/\r\nLOCATION: http://192.168.1.2/\r\n");
        assert!(found(&twice).is_err());
    }

    #[test]
    fn what_does_not_answer_the_search_is_refused() {
        let location = "LOCATION: http://192.168.1.1/\r\n";
        assert!(found(location).unwrap_err().contains("another device's"));
        assert!(found(&format!("{location}ST: upnp:rootdevice\r\n")).unwrap_err().contains("another device's"));
        for text in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "NOTIFY * HTTP/1.1\r\nLOCATION: http://192.168.1.1/\r\n\r\n",
            "M-SEARCH * HTTP/1.1\r\n\r\n",
            "\0\0\0",
        ] {
            assert!(read_found(text.as_bytes(), ROUTER).is_err(), "{text:?}");
        }
        assert!(found(&"X: y\r\n".repeat(FIELDS + 1)).is_err());
    }

    #[test]
    fn all_connections_of_a_description_are_found_wherever_they_stand() {
        let both = service(SERVICES[2], "/ppp") + "<x/>" + &service(SERVICES[0], "ip");
        let nested = both.replace("<x/>", "").replace("</deviceList><deviceList>", "");
        assert_eq!(urls(described(&nested)), ["http://192.168.1.1:5000/ppp", "http://192.168.1.1:5000/ip"]);
        assert_eq!(urls(described(&service(SERVICES[1], "http://192.168.1.1:80/c"))), ["http://192.168.1.1/c"]);
        let many = (0..20).map(|at| service(SERVICES[0], &format!("/{at}"))).collect::<String>();
        assert_eq!(described(&many).unwrap().len(), CONNECTIONS);
        let same = service(SERVICES[0], "/c").repeat(3);
        assert_eq!(described(&same).unwrap().len(), 1);
    }

    #[test]
    fn relative_places_start_from_the_base_where_there_is_one() {
        let text = |base: &str| {
            format!(
                "<root><URLBase>{base}</URLBase><device><deviceType>{DEVICE}2</deviceType>{}</device></root>",
                service(SERVICES[0], "/c")
            )
        };
        let read = |base: &str| read_description(text(base).as_bytes(), &place(), ROUTER);
        assert_eq!(urls(read("http://192.168.1.1:49000/")), ["http://192.168.1.1:49000/c"]);
        assert_eq!(urls(read("")), ["http://192.168.1.1:5000/c"]);
        assert!(read("http://192.168.1.9/").unwrap_err().contains("another host"));
        assert!(read("x").unwrap_err().contains("no URL"));
    }

    #[test]
    fn a_control_url_elsewhere_is_never_called() {
        for to in ["http://192.168.1.2/c", "http://evil.example/c", "//evil.example/c", "https://192.168.1.1/", "", " "]
        {
            let why = described(&service(SERVICES[0], to)).unwrap_err();
            assert!(why.contains("control URL of the router's connection"), "{to}: {why}");
        }
        let one_of_two = service(SERVICES[0], "http://192.168.1.2/c") + &service(SERVICES[0], "/c");
        assert_eq!(urls(described(&one_of_two)), ["http://192.168.1.1:5000/c"]);
    }

    #[test]
    fn what_is_no_routers_description_is_refused() {
        assert!(described("").unwrap_err().contains("no connection"));
        let other = "urn:schemas-upnp-org:service:Layer3Forwarding:1";
        assert!(described(&service(other, "/c")).unwrap_err().contains("no connection"));
        let read = |text: &str| read_description(text.as_bytes(), &place(), ROUTER).unwrap_err();
        let player =
            "<root><device><deviceType>urn:schemas-upnp-org:device:MediaRenderer:1</deviceType></device></root>";
        assert!(read(player).contains("not that of an Internet gateway"));
        assert!(read("<html><body>Log in</body></html>").contains("not that of an Internet gateway"));
        for text in ["", "x", "<root>", "<root></root><root/>", "<a><b></a></b>", "{}", "<root/>x", "<root a=b/>"] {
            assert!(!read(text).is_empty(), "{text}");
        }
        assert!(read_description(b"\xff<root/>", &place(), ROUTER).unwrap_err().contains("UTF-8"));
    }

    #[test]
    fn entities_and_bombs_are_not_read() {
        let entity = "<!DOCTYPE root [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><root>&a;</root>";
        let mut laughs = "<!DOCTYPE l [<!ENTITY a \"ha\">".to_owned();
        for (name, inner) in ["b", "c", "d", "e", "f", "g"].iter().zip(["a", "b", "c", "d", "e", "f"]) {
            laughs += &format!("<!ENTITY {name} \"{}\">", format!("&{inner};").repeat(10));
        }
        laughs += "]><root>&g;</root>";
        for text in [entity, &laughs] {
            let why = read_description(text.as_bytes(), &place(), ROUTER).unwrap_err();
            assert!(why.contains("document type"), "{why}");
            assert!(read_address(text.as_bytes()).unwrap_err().contains("document type"));
        }
        assert!(answered("&nbsp;").unwrap_err().contains("no well-formed XML"));
        let deep = "<a>".repeat(10_000);
        let many = format!("<a>{}</a>", "<b/>".repeat(10_000));
        let wide = format!("<a {}/>", (0..5000).map(|at| format!("a{at}=\"\" ")).collect::<String>());
        assert!(read_address(deep.as_bytes()).unwrap_err().contains("more elements"));
        assert!(read_address(many.as_bytes()).unwrap_err().contains("more elements"));
        assert!(read_address(wide.as_bytes()).unwrap_err().contains("more attributes"));
    }

    #[test]
    fn the_address_is_read_from_its_place_alone() {
        assert_eq!(answered("8.8.8.8"), Ok([8, 8, 8, 8].into()));
        assert_eq!(answered(" 100.64.3.2\n"), Ok([100, 64, 3, 2].into()));
        assert_eq!(answered("&#56;.8.8.8"), Ok([8, 8, 8, 8].into()), "a character reference is no entity");
        for none in ["", " ", "0.0.0.0"] {
            assert!(answered(none).unwrap_err().contains("not connected"), "{none:?}");
        }
        for bad in [
            "8.8.8",
            "8.8.8.8, 9.9.9.9",
            "010.8.8.8",
            "2001:db8::1",
            "8.8.8.8<b/>",
            "<b>8.8.8.8</b>",
            "8.8.8.8:80",
            "x",
        ] {
            assert!(answered(bad).is_err(), "{bad}");
        }
        let twice = "8.8.8.8</NewExternalIPAddress><NewExternalIPAddress>9.9.9.9";
        assert!(answered(twice).unwrap_err().contains("no address in the place"));
        for text in ["<a>8.8.8.8</a>", "<NewExternalIPAddress>8.8.8.8</NewExternalIPAddress>", "8.8.8.8", ""] {
            assert!(read_address(text.as_bytes()).is_err(), "{text}");
        }
        assert!(!answered("\u{1b}[2J").unwrap_err().contains('\u{1b}'));
    }

    #[test]
    fn a_refusal_has_its_code_and_the_beginning_of_its_words() {
        let fault = |error: &str| {
            let text = format!(
                "<s:Envelope xmlns:s=\"x\"><s:Body><s:Fault><faultcode>s:Client</faultcode><detail>\
                 <UPnPError>{error}</UPnPError></detail></s:Fault></s:Body></s:Envelope>"
            );
            read_refusal(text.as_bytes())
        };
        let said = fault("<errorCode>501</errorCode><errorDescription>Action Failed</errorDescription>").unwrap();
        assert_eq!(said, "it refuses: Action Failed (code 501)");
        assert_eq!(fault("<errorCode>401</errorCode>").unwrap(), "it refuses: it does not say why (code 401)");
        let long = fault(&format!("<errorCode>1</errorCode><errorDescription>{}</errorDescription>", "x".repeat(999)));
        assert!(long.unwrap().len() < 100);
        assert_eq!(fault("<errorCode>x</errorCode>"), None);
        assert_eq!(read_refusal(b"<html/>"), None);
    }

    proptest! {
        #[test]
        fn any_octets_are_read_or_refused(octets: Vec<u8>) {
            prop_assert!(read_address(&octets).is_err());
            prop_assert!(read_description(&octets, &place(), ROUTER).is_err());
            prop_assert!(read_found(&octets, ROUTER).is_err());
        }

        #[test]
        fn wherever_a_description_leads_it_is_the_router(to in "(http:)?/{0,3}[a-z0-9.:@/?#\\[\\]-]{0,24}") {
            for control in described(&service(SERVICES[0], &to)).into_iter().flatten() {
                prop_assert_eq!(control.url.host_str(), Some("192.168.1.1"));
                prop_assert_eq!(control.url.scheme(), "http");
            }
        }
    }
}
