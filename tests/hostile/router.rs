//! What routers, and who passes for one, answer by NAT-PMP, PCP and UPnP.

use super::super::corpus::Said;
use super::said;

/// The nonce of the request that the entries of PCP answer, and the port that it came from.
pub const NONCE: [u8; 12] = *b"driftless!!!";
/// See [`NONCE`].
pub const PORT: u16 = 40_000;

pub(super) fn all() -> Vec<Said> {
    [natpmp(), pcp(), searches(), descriptions(), addresses()].concat()
}

/// Changed octets of a good answer, by their place.
fn changed(good: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = good.to_vec();
    for (at, octet) in changes {
        octets[*at] = *octet;
    }
    octets
}

pub(super) fn honest() -> Vec<Said> {
    let good = |protocol, asked, octets: &[u8]| said(protocol, "good", "it is as it should be", asked, octets);
    let found = format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\nLOCATION: http://192.168.1.1/d.xml\r\n\r\n");
    let described = device(DEVICE, &service(SERVICE, "/c"));
    vec![
        good("nat-pmp", "address", &GOOD_NATPMP),
        good("pcp", "address", &good_pcp()),
        good("upnp", "search", found.as_bytes()),
        good("upnp", "description", described.as_bytes()),
        good("upnp", "address", address("8.8.8.8").as_bytes()),
    ]
}

const GOOD_NATPMP: [u8; 12] = [0, 128, 0, 0, 0, 0, 0x0e, 0x10, 8, 8, 8, 8];

fn natpmp() -> Vec<Said> {
    let good = GOOD_NATPMP;
    let mut list: Vec<(String, Vec<u8>)> =
        (0..12).map(|length| (format!("the first {length} octets"), good[..length].to_vec())).collect();
    for code in [1, 2, 3, 4, 5, 255] {
        list.push((format!("code {code}"), changed(&good, &[(3, code)])));
    }
    for (what, octets) in [
        ("code 256", changed(&good, &[(2, 1)])),
        ("version 1", changed(&good, &[(0, 1)])),
        ("version 2", changed(&good, &[(0, 2)])),
        ("the question", changed(&good, &[(1, 0)])),
        ("an answer about a mapping", changed(&good, &[(1, 129)])),
        ("another operation", changed(&good, &[(1, 255)])),
        ("no address", changed(&good, &[(8, 0), (9, 0), (10, 0), (11, 0)])),
        ("octets behind", [&good[..], &[0]].concat()),
        ("twice", [good, good].concat()),
        ("a mapping", [&good[..], &[0; 4]].concat()),
        ("the address as a text", b"8.8.8.8".to_vec()),
        ("high octets", vec![0xff; 12]),
    ] {
        list.push((what.into(), octets));
    }
    list.iter()
        .map(|(what, octets)| said("nat-pmp", what, "it is not the answer to the question", "address", octets))
        .collect()
}

fn good_pcp() -> Vec<u8> {
    let mut good = vec![2, 129, 0, 0, 0, 0, 0, 120, 0, 0, 0x0e, 0x10];
    good.extend([0; 12]);
    good.extend(NONCE);
    good.extend([17, 0, 0, 0]);
    good.extend(PORT.to_be_bytes());
    good.extend(50_000_u16.to_be_bytes());
    good.extend(std::net::Ipv4Addr::new(8, 8, 8, 8).to_ipv6_mapped().octets());
    good
}

fn pcp() -> Vec<Said> {
    let good = good_pcp();
    let mut list: Vec<(String, Vec<u8>)> = [0, 1, 3, 4, 23, 24, 36, 42, 44, 56, 59]
        .iter()
        .map(|length| (format!("the first {length} octets"), good[..*length].to_vec()))
        .collect();
    for code in 1..=14 {
        list.push((format!("code {code}"), changed(&good, &[(3, code)])));
    }
    for (what, octets) in [
        ("version 0", changed(&good, &[(0, 0)])),
        ("version 1", changed(&good, &[(0, 1)])),
        ("version 3", changed(&good, &[(0, 3)])),
        ("the question", changed(&good, &[(1, 1)])),
        ("an announcement", changed(&good, &[(1, 128)])),
        ("an answer about a peer", changed(&good, &[(1, 130)])),
        ("another nonce", changed(&good, &[(24, 0)])),
        ("another protocol", changed(&good, &[(36, 6)])),
        ("another port", changed(&good, &[(41, 0)])),
        ("no address", changed(&good, &[(56, 0), (57, 0), (58, 0), (59, 0)])),
        ("an IPv6 address", changed(&good, &[(44, 0x2a)])),
        ("an odd length", [&good[..], &[0]].concat()),
        ("too long", [&good[..], &[0; 1100]].concat()),
        ("high octets", vec![0xff; 60]),
    ] {
        list.push((what.into(), octets));
    }
    list.iter()
        .map(|(what, octets)| said("pcp", what, "it is not the answer to the request", "address", octets))
        .collect()
}

const DEVICE: &str = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";
const SERVICE: &str = "urn:schemas-upnp-org:service:WANIPConnection:1";

/// Answers to a search that lead elsewhere than to the router at 192.168.1.1.
fn searches() -> Vec<Said> {
    let places = [
        "http://192.168.1.2/d.xml",
        "http://router.example/d.xml",
        "http://192.168.1.1.example.org/",
        "http://192.168.1.1@192.168.1.2/",
        "http://user:word@192.168.1.1/",
        "https://192.168.1.1/",
        "ftp://192.168.1.1/",
        "file:///etc/passwd",
        "gopher://192.168.1.1:70/",
        "http://[::ffff:192.168.1.1]/",
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/",
        "http://0/",
        "/d.xml",
        "",
        "192.168.1.1",
        "http://192.168.1.1\u{3002}example/",
        "javascript:8.8.8.8",
    ];
    let why = "it leads elsewhere than to the router";
    let mut made: Vec<_> = places
        .iter()
        .map(|place| {
            let octets = format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\nLOCATION: {place}\r\n\r\n");
            said("upnp", &format!("a search that leads to {}", place.escape_default()), why, "search", octets)
        })
        .collect();
    let good = "LOCATION: http://192.168.1.1/d.xml\r\n";
    for (what, octets) in [
        ("two places", format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\n{good}LOCATION: http://192.168.1.2/\r\n\r\n")),
        ("no place", format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\n\r\n")),
        ("another device", format!("HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\n{good}\r\n")),
        ("no device", format!("HTTP/1.1 200 OK\r\n{good}\r\n")),
        ("two devices", format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\nST: upnp:rootdevice\r\n{good}\r\n")),
        ("a refusal", format!("HTTP/1.1 404 Not Found\r\nST: {DEVICE}\r\n{good}\r\n")),
        ("a notification", format!("NOTIFY * HTTP/1.1\r\nST: {DEVICE}\r\n{good}\r\n")),
        ("a search", format!("M-SEARCH * HTTP/1.1\r\nST: {DEVICE}\r\n{good}\r\n")),
        ("no end", format!("HTTP/1.1 200 OK\r\nST: {DEVICE}\r\n{good}")),
        ("too many fields", format!("HTTP/1.1 200 OK\r\n{}ST: {DEVICE}\r\n{good}\r\n", "X: a\r\n".repeat(40))),
        ("the address", "8.8.8.8".to_owned()),
    ] {
        made.push(said(
            "upnp",
            &format!("a search: {what}"),
            "it is not the router's answer to a search",
            "search",
            octets,
        ));
    }
    made
}

fn service(kind: &str, to: &str) -> String {
    format!("<service><serviceType>{kind}</serviceType><controlURL>{to}</controlURL></service>")
}

fn device(kind: &str, inside: &str) -> String {
    format!("<root><device><deviceType>{kind}</deviceType><serviceList>{inside}</serviceList></device></root>")
}

/// Descriptions that are none, or lead elsewhere.
fn descriptions() -> Vec<Said> {
    let good = device(DEVICE, &service(SERVICE, "/c"));
    let list = [
        ("calls elsewhere", device(DEVICE, &service(SERVICE, "http://192.168.1.2/c"))),
        ("calls a name", device(DEVICE, &service(SERVICE, "//evil.example/c"))),
        ("calls over https", device(DEVICE, &service(SERVICE, "https://192.168.1.1/c"))),
        ("calls nothing", device(DEVICE, &service(SERVICE, ""))),
        ("a base elsewhere", good.replace("<device>", "<URLBase>http://192.168.1.2/</URLBase><device>")),
        ("a base that is none", good.replace("<device>", "<URLBase>8.8.8.8</URLBase><device>")),
        ("another device", device("urn:schemas-upnp-org:device:MediaRenderer:1", &service(SERVICE, "/c"))),
        ("another service", device(DEVICE, &service("urn:schemas-upnp-org:service:Layer3Forwarding:1", "/c"))),
        ("no service", device(DEVICE, "")),
        ("two kinds of device", good.replace("<serviceList>", "<deviceType>x</deviceType><serviceList>")),
        ("two addresses of a service", good.replace("<controlURL>", "<controlURL>/d</controlURL><controlURL>")),
        (
            "an entity",
            format!("<!DOCTYPE root [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{}", good.replace("/c", "&a;")),
        ),
        ("a document type", format!("<!DOCTYPE root>{good}")),
        (
            "a bomb",
            format!(
                "<!DOCTYPE l [<!ENTITY a \"{}\"><!ENTITY b \"{}\">]><root>&b;</root>",
                "ha".repeat(100),
                "&a;".repeat(100)
            ),
        ),
        ("deep", "<a>".repeat(5000)),
        ("many elements", format!("<root>{}</root>", "<b/>".repeat(5000))),
        ("many attributes", format!("<root {}/>", (0..2000).map(|at| format!("a{at}=\"\" ")).collect::<String>())),
        ("two roots", format!("{good}{good}")),
        ("no end", good.trim_end_matches("</root>").to_owned()),
        ("crossed", "<root><device></root></device>".to_owned()),
        ("a page", "<html><body>Log in at 8.8.8.8</body></html>".to_owned()),
        ("a document", "{\"ip\":\"8.8.8.8\"}".to_owned()),
        ("nothing", String::new()),
    ];
    let made = list.into_iter().map(|(what, octets)| {
        said("upnp", &format!("a description: {what}"), "it is no description of this router", "description", octets)
    });
    made.chain([said(
        "upnp",
        "a description: no UTF-8",
        "it is no text",
        "description",
        [b"\xff", good.as_bytes()].concat(),
    )])
    .collect()
}

fn around(inside: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
         <u:GetExternalIPAddressResponse xmlns:u=\"{SERVICE}\">{inside}</u:GetExternalIPAddressResponse></s:Body></s:Envelope>"
    )
}

fn address(text: &str) -> String {
    around(&format!("<NewExternalIPAddress>{text}</NewExternalIPAddress>"))
}

/// Answers to the call for the address.
fn addresses() -> Vec<Said> {
    let words = [
        "",
        " ",
        "0.0.0.0",
        "8.8.8",
        "8.8.8.8.8",
        "010.8.8.8",
        "0x8.8.8.8",
        "134744072",
        "8.8.8.8:80",
        "8.8.8.8/32",
        "8.8.8.8, 9.9.9.9",
        "8.8.8.8 9.9.9.9",
        "2a00::1",
        "::ffff:8.8.8.8",
        "\u{200b}8.8.8.8",
        "8.8.8.8\u{a0}",
        "\u{feff}8.8.8.8",
        "\u{ff18}.8.8.8",
        "&#x200b;8.8.8.8",
        "&amp;8.8.8.8",
        "<b>8.8.8.8</b>",
        "8.8.8.8<b/>",
        "8.8.<!-- -->8.8",
        "unknown",
        "N/A",
        "&ip;",
        "(null)",
    ];
    let why = "it is not one IPv4 address in the place for it";
    let mut made: Vec<_> = words
        .iter()
        .map(|word| said("upnp", &format!("the address {}", word.escape_default()), why, "address", address(word)))
        .collect();
    let good = address("8.8.8.8");
    for (what, octets) in [
        ("twice", around(&"<NewExternalIPAddress>8.8.8.8</NewExternalIPAddress>".repeat(2))),
        ("another element", around("<NewInternalClient>8.8.8.8</NewInternalClient>")),
        ("an attribute", around("<NewExternalIPAddress v=\"8.8.8.8\"/>")),
        ("another call's answer", good.replace("GetExternalIPAddressResponse", "GetStatusInfoResponse")),
        ("two answers", good.replace("</s:Body>", "<GetExternalIPAddressResponse/></s:Body>")),
        ("a fault", good.replace("u:GetExternalIPAddressResponse", "s:Fault")),
        ("no envelope", "<NewExternalIPAddress>8.8.8.8</NewExternalIPAddress>".to_owned()),
        ("two bodies", good.replace("</s:Envelope>", "<s:Body/></s:Envelope>")),
        ("an entity", format!("<!DOCTYPE a [<!ENTITY ip \"8.8.8.8\">]>{}", address("&ip;"))),
        ("a page", "<html><body>8.8.8.8</body></html>".to_owned()),
        ("the address alone", "8.8.8.8".to_owned()),
        ("no end", good.trim_end_matches("</s:Envelope>").to_owned()),
    ] {
        made.push(said("upnp", &format!("the address: {what}"), why, "address", octets));
    }
    made
}
