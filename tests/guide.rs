//! The guide holds what it says: its configurations are read, its commands run, its messages are the program's.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use driftless::config::{Config, Input};
use driftless::net::http::Http;
use driftless::provider::Tools;

#[path = "emulator/channels.rs"]
mod channels;
#[path = "emulator/dyndns2.rs"]
mod dyndns2;
#[path = "emulator/http.rs"]
mod http;
#[path = "support/markdown.rs"]
mod markdown;

use dyndns2::{Dyndns2, Rules};
use http::Server;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BINARY: &str = env!("CARGO_BIN_EXE_driftless");
/// The importer, in builds that have it.
const IMPORTER: Option<&str> = option_env!("CARGO_BIN_EXE_driftless-import");

/// The pages with their names, in order.
fn pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<(String, String)> = entries
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    pages.sort();
    assert!(pages.len() >= 11, "the pages were found");
    pages
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join("docs").join(name)).unwrap()
}

fn credentials() -> (String, String) {
    ("CREDENTIALS_DIRECTORY".into(), "/run/credentials/driftless.service".into())
}

#[test]
fn every_configuration_is_read_and_uses_what_it_declares() {
    let mut read = 0;
    for (name, page) in pages() {
        for block in markdown::blocks(&page).into_iter().filter(|block| block.language == "toml") {
            let files = vec![(PathBuf::from(format!("{name}:{}", block.line)), block.text)];
            let input = Input { files, variables: [credentials()].into(), ..Input::default() };
            let config = Config::load(&input).unwrap_or_else(|errors| panic!("{errors}"));
            let unused = config.warnings.iter().find(|warning| warning.message.starts_with("no record uses"));
            assert_eq!(unused, None, "{name}");
            let built = config.check_accounts(&Tools { http: Http::new(None) });
            built.map(drop).unwrap_or_else(|errors| panic!("{name}: {errors}"));
            let tools = driftless::notify::Tools { http: Http::new(None), environment: Vec::new() };
            let built = config.check_channels(&tools);
            built.map(drop).unwrap_or_else(|errors| panic!("{name}: {errors}"));
            read += 1;
        }
    }
    assert!(read >= 12, "{read}");
}

#[test]
fn every_list_of_variables_is_a_configuration() {
    let mut read = 0;
    for (name, page) in pages() {
        for text in markdown::of_language(&page, "env") {
            let variables = markdown::variables(&text).into_iter().collect();
            let config = Config::load(&Input { variables, ..Input::default() });
            let config = config.unwrap_or_else(|errors| panic!("{name}: {errors}"));
            assert_eq!(config.records.len(), 1, "{name}");
            read += 1;
        }
    }
    assert!(read >= 1);
}

#[test]
fn the_configuration_of_the_example_for_kubernetes_is_the_pages() {
    let example = fs::read_to_string(Path::new(ROOT).join("packaging/oci/kubernetes.yaml")).unwrap();
    let plain = |text: &str| -> Vec<String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(str::to_owned).collect()
    };
    let shown = plain(&markdown::of_language(&page("kubernetes.md"), "toml")[0]).join("\n");
    assert!(plain(&example).join("\n").contains(&shown), "{shown}");
}

#[test]
fn no_block_escapes_the_tests() {
    for (name, page) in pages() {
        for block in markdown::blocks(&page) {
            assert!(
                ["env", "sh", "toml"].contains(&block.language.as_str()),
                "{name}:{}: {}",
                block.line,
                block.language
            );
        }
    }
}

/// The program's own text with the line breaks of its long literals taken out.
fn program() -> String {
    fn gather(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, text);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                // Tests may quote what is said no longer.
                let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                for line in source.lines() {
                    match line.trim_start().strip_suffix('\\') {
                        Some(part) => text.push_str(part),
                        None => *text += &format!("{}\n", line.trim_start()),
                    }
                }
            }
        }
    }
    let mut text = String::new();
    gather(&Path::new(ROOT).join("src"), &mut text);
    text.replace("\\\"", "\"")
}

#[test]
fn every_message_of_the_trouble_shooting_is_one_of_the_programs() {
    let program = program();
    let page = page("trouble-shooting.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("### "));
    let mut checked = 0;
    for heading in headings {
        let message = heading.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        let message = message.unwrap_or_else(|| panic!("{heading} is no message"));
        // Shorter parts, such as a colon, are anywhere.
        let parts: Vec<&str> = message.split('…').map(str::trim).filter(|part| part.len() >= 8).collect();
        assert!(!parts.is_empty(), "{message}");
        for part in parts {
            assert!(program.contains(part), "nothing says \"{part}\"");
            checked += 1;
        }
    }
    assert!(checked >= 25, "{checked}");
}

#[test]
fn every_link_leads_somewhere_and_every_page_is_in_the_index() {
    let mut linked = BTreeSet::new();
    for (name, page) in pages() {
        for target in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let there = Path::new(ROOT).join("docs").join(path);
            assert!(there.exists(), "{name}: {target}");
            if !anchor.is_empty() {
                let heading =
                    |line: &str| line.trim_start_matches(['#', ' ']).to_lowercase().replace(' ', "-") == anchor;
                let text = fs::read_to_string(&there).unwrap();
                assert!(text.lines().filter(|line| line.starts_with('#')).any(heading), "{name}: {target}");
            }
            if name == "README.md" {
                linked.insert(path.to_owned());
            }
        }
    }
    let missing: Vec<String> = pages()
        .into_iter()
        .map(|(name, _)| name)
        .filter(|name| name != "README.md" && !linked.contains(name))
        .collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// What makes a block the configuration for the commands behind it.
const CONFIGURATION: &str = "# /etc/driftless/driftless.toml\n";

/// What is typed with paths of the machine's, moved below a folder of the test's own.
const MOVED: [&str; 5] = ["/etc/ddclient.conf", "/etc/driftless", "/etc/systemd", "/run/secrets", "/tmp/hosts"];

/// Paths that commands may name as they are: what a pipe brings, chance, and the program in the image.
const PLAIN: [&str; 3] = ["/dev/stdin", "/dev/urandom", "/driftless"];

/// The services of the guide that are told, for which the emulated ones stand.
const TOLD: [&str; 2] = ["https://gotify.example.net", "https://hc-ping.com"];

/// A network with the guide's lines and its LAN, in which the arguments are run: nothing leads out of it.
const LINES: &str = "\
ip link set lo up
ip link add br-lan type veth peer name br-lan-far
ip link set br-lan-far up
ip address add 2a02:8071:1:2::1/64 dev br-lan nodad
ip link set br-lan up
ip -6 route add unreachable 2a02:8071:1::/56
ip link add ppp0 type veth peer name ppp0-far
ip link set ppp0-far up
ip address add 81.2.69.142/32 dev ppp0
ip link set ppp0 up
ip link add ppp1 type veth peer name ppp1-far
ip link set ppp1-far up
ip address add 81.2.69.160/32 dev ppp1
ip link set ppp1 up
exec \"$@\"
";

/// What odhcpd has leased in that LAN: `laptop` has 2a02:8071:1:2::99.
const LEASES: &str = "# br-lan 00010001aabbccdd 1 laptop -1 99 128 2a02:8071:1:2::99/128\n";

/// A machine in a folder: programs that stand for those of the system, and the daemon that they start.
struct Machine {
    folder: tempfile::TempDir,
    server: String,
    /// Who is told.
    told: String,
    /// Where the status page is, instead of 8053.
    port: u16,
    /// Whether commands run where the lines and the LAN of the guide are.
    has_lines: bool,
}

impl Machine {
    fn new(server: String, has_lines: bool) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let machine = Self { folder: tempfile::tempdir().unwrap(), server, told: String::new(), port, has_lines };
        for folder in ["bin", "work", "etc/driftless", "run/secrets"] {
            fs::create_dir_all(machine.root().join(folder)).unwrap();
        }
        for (name, text) in [
            ("curl", include_str!("guide/curl")),
            ("docker", include_str!("guide/docker")),
            ("driftless", include_str!("guide/driftless")),
            ("driftless-import", include_str!("guide/driftless-import")),
            ("journalctl", include_str!("guide/journalctl")),
            ("kubectl", include_str!("guide/kubectl")),
            ("service", include_str!("guide/service")),
            ("sudo", include_str!("guide/sudo")),
            ("systemctl", include_str!("guide/systemctl")),
            ("uci", include_str!("guide/uci")),
        ] {
            let path = machine.root().join("bin").join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        machine
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The same text with the machine's paths below the folder, and with who is told and the status page on this machine.
    fn moved(&self, text: &str) -> String {
        let text = TOLD.iter().fold(text.to_owned(), |text, server| text.replace(server, &self.told));
        let text = text.replace("8053", &self.port.to_string()).replace("the token of Gotify", channels::GOTIFY_TOKEN);
        MOVED.iter().fold(text, |text, path| text.replace(path, &format!("{}{path}", self.root().display())))
    }

    /// Puts a configuration where it belongs, and the service and the addresses that it means within reach: nothing outside is asked.
    fn configure(&self, text: &str) {
        fs::write(self.root().join("etc/driftless/driftless.toml"), self.moved(text)).unwrap();
        let root = self.root().display();
        let mut variables = format!(
            "export DRIFTLESS__STATE_DIR={root}/state DRIFTLESS__ADDRESS__DEFAULT__IPV4=81.2.69.142\n\
             export DRIFTLESS__ADDRESS__DEFAULT__IPV6=2a02:8071:1::7\n\
             export CREDENTIALS_DIRECTORY={root}/run/credentials/driftless.service\n"
        );
        if text.contains("[account.home]") {
            variables += &format!("export DRIFTLESS__ACCOUNT__HOME__SERVER={}\n", self.server);
            variables += "export DRIFTLESS__ACCOUNT__HOME__VERIFY=false\n";
        }
        fs::write(self.root().join("environment"), variables).unwrap();
    }

    /// Runs commands as they are typed; each must end well. Returns what they said.
    fn run(&self, name: &str, line: usize, commands: &str) -> String {
        let commands = self.moved(commands);
        let root = self.root().display().to_string();
        for word in commands
            .split(|c: char| c.is_whitespace() || "'\"=:".contains(c))
            .filter(|word| word.starts_with('/') && !word.starts_with("//"))
        {
            assert!(word.starts_with(&root) || PLAIN.contains(&word), "{name}:{line}: {word} is of this machine");
        }
        let before: &[&str] = if self.has_lines { &["unshare", "--net", "sh", "-euc", LINES, "sh"] } else { &[] };
        let output = Command::new("timeout")
            .arg("60")
            .args(before)
            .args(["sh", "-euc", &commands])
            .current_dir(self.root().join("work"))
            .env_clear()
            .env("PATH", format!("{root}/bin:/usr/bin:/bin:/usr/sbin:/sbin"))
            .env("HOME", &root)
            .env("GUIDE_ROOT", &root)
            .env("GUIDE_BINARY", BINARY)
            .env("GUIDE_IMPORTER", IMPORTER.unwrap_or_default())
            .env("GUIDE_SOURCES", ROOT)
            .output()
            .unwrap();
        let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let journal = fs::read_to_string(self.root().join("journal")).unwrap_or_default();
        assert!(
            output.status.success(),
            "{name}:{line}: {:?}\n{commands}\n{said}\n{complained}\n{journal}",
            output.status.code()
        );
        said.into_owned()
    }

    /// Does what a page says, from its top to its end. Returns what the commands said.
    fn follow(&self, name: &str) -> String {
        let mut said = String::new();
        let mut ran = 0;
        for block in markdown::blocks(&page(name)) {
            match block.language.as_str() {
                "toml" if block.text.starts_with(CONFIGURATION) => self.configure(&block.text),
                "sh" => {
                    said += &self.run(name, block.line, &block.text);
                    ran += 1;
                }
                _ => {}
            }
        }
        assert!(ran > 0, "{name} has no command");
        said
    }
}

impl Drop for Machine {
    /// Ends the daemon that `systemctl` started.
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.root().join("pid")) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }
}

/// The dyndns2 service of the guide.
async fn service() -> (Server, Dyndns2) {
    let rules = Rules { user: "me".into(), password: "the password".into(), ..Rules::default() };
    let service = Dyndns2::new(rules, ["home.example.org", "first.example.org", "second.example.org"]);
    let answers = service.clone();
    (Server::start(0, move |request| answers.answer(request)).await.unwrap(), service)
}

async fn walk(names: &[&str]) -> Dyndns2 {
    let (server, service) = service().await;
    let machine = Machine::new(server.url(""), false);
    for name in names {
        machine.follow(name);
    }
    service
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_home_router_publishes_its_address_and_its_troubles_can_be_looked_at() {
    let service = walk(&["home-router.md", "trouble-shooting.md"]).await;
    let host = service.host("home.example.org").unwrap();
    assert_eq!(host.ipv4, Some("81.2.69.142".parse().unwrap()));
    assert_eq!(host.ipv6, Some("2a02:8071:1::7".parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_small_server_works_without_a_daemon() {
    let service = walk(&["small-server.md"]).await;
    assert_eq!(service.host("home.example.org").unwrap().ipv4, Some("81.2.69.142".parse().unwrap()));
}

#[cfg(feature = "web")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_watches_is_told_and_sees_the_page() {
    let (server, _service) = service().await;
    let receiver = Server::start(0, channels::answer).await.unwrap();
    let mut machine = Machine::new(server.url(""), false);
    machine.told = receiver.url("");
    let said = machine.follow("watching.md");
    assert!(said.contains("driftless_record_up_to_date"), "{said}");
    let heard = receiver.log();
    let took = |path: &str| {
        let is_it = |exchange: &http::Exchange| exchange.request.path == path;
        heard
            .iter()
            .any(|exchange| is_it(exchange) && exchange.answer.as_ref().is_some_and(|answer| answer.status == 200))
    };
    assert!(took("/message") && took(&format!("/{}", channels::UUID)));
}

#[cfg(feature = "import")]
#[test]
fn who_moves_in_has_a_configuration() {
    let machine = Machine::new("http://127.0.0.1:9/".into(), false);
    fs::write(machine.root().join("etc/ddclient.conf"), include_str!("import/ddclient/globals_then_hosts.conf"))
        .unwrap();
    machine.follow("moving-in.md");
    let written = fs::read_to_string(machine.root().join("etc/driftless/driftless.toml")).unwrap();
    assert!(written.contains("three.example.com"), "{written}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[expect(clippy::disallowed_methods, reason = "the test waits for the daemon that was started")]
async fn a_package_is_configured_by_init_or_uci() {
    let (server, service) = service().await;
    let machine = Machine::new(server.url(""), false);
    machine.configure(include_str!("../packaging/driftless.toml"));
    machine.follow("packages.md");
    let written = fs::read_to_string(machine.root().join("etc/driftless/driftless.toml")).unwrap();
    assert!(written.contains("\nname = \"home.example.org\"\n"), "{written}");
    let published = || service.host("home.example.org").is_some_and(|host| host.ipv4.is_some());
    for _ in 0..600 {
        if published() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("nothing was published");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_commands_for_containers_name_files_that_are_there() {
    walk(&["container.md"]).await;
    walk(&["kubernetes.md"]).await;
}

#[test]
#[ignore = "needs root and iproute2: it makes a network of its own"]
fn the_lan_and_the_uplinks_have_the_addresses_that_the_guide_says() {
    let machine = Machine::new("http://127.0.0.1:9/".into(), true);
    fs::create_dir_all(machine.root().join("tmp/hosts")).unwrap();
    fs::write(machine.root().join("tmp/hosts/odhcpd"), LEASES).unwrap();
    let lan = machine.follow("ipv6-lan.md");
    for (name, address) in [
        ("nas", "2a02:8071:1:2::42"),
        ("printer", "2a02:8071:1:2:211:22ff:fe33:4455"),
        ("laptop", "2a02:8071:1:2::99"),
        ("servers", "2a02:8071:1:3::1"),
    ] {
        let is_it = |line: &str| line.starts_with(&format!("{name}.example.org AAAA")) && line.ends_with(address);
        assert!(lan.lines().any(is_it), "{name}: {lan}");
    }
    let uplinks = machine.follow("several-uplinks.md");
    assert!(uplinks.contains("81.2.69.142") && uplinks.contains("81.2.69.160"), "{uplinks}");
}

#[test]
fn every_page_with_commands_is_followed() {
    let followed = [
        "container.md",
        "home-router.md",
        "ipv6-lan.md",
        "kubernetes.md",
        "moving-in.md",
        "packages.md",
        "several-uplinks.md",
        "small-server.md",
        "trouble-shooting.md",
        "watching.md",
    ];
    let with_commands: Vec<String> = pages()
        .into_iter()
        .filter(|(_, page)| !markdown::of_language(page, "sh").is_empty())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(with_commands, followed);
}
