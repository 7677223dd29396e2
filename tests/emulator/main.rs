//! The emulators, to be used by hand: `cargo run --example emulator -- dyndns2 --port 18080 home.example.org`, or
//! `-- lunanode --port 18080 --zone example.org`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command for people")]

use std::process::ExitCode;

mod channels;
mod dyndns2;
mod http;
mod lunanode;
mod lunanode_by_hand;
mod pocketdns;
mod pocketdns_by_hand;
mod rackspace;
mod rackspace_by_hand;
mod yandex;
mod yandex360;
mod yandex_by_hand;

use http::{Answer, Received, Server};

const USAGE: &str = "\
emulator SERVICE [--port N] [OPTION]...
    SERVICE   channels, dyndns2, lunanode, pocketdns, rackspace, yandex or yandex360; SERVICE --help names the options of one
    --port N  the port on 127.0.0.1, any free one unless given";

/// One service: a request in, an answer out.
type Emulator = Box<dyn Fn(&Received) -> Answer + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    if given.iter().any(|argument| ["-h", "--help", "help"].contains(&argument.as_str())) {
        println!("{}", usage(&given));
        return Ok(());
    }
    let (service, port, rest) = arguments(given)?;
    let emulator: Emulator = match service.as_str() {
        "channels" => Box::new(channels::answer),
        "dyndns2" => {
            let service = dyndns2::Dyndns2::by_hand(&rest)?;
            Box::new(move |request| service.answer(request))
        }
        "lunanode" => Box::new(lunanode_by_hand::emulator(&rest)?),
        "pocketdns" => Box::new(pocketdns_by_hand::emulator(&rest)?),
        "rackspace" => Box::new(rackspace_by_hand::emulator(&rest)?),
        "yandex" => Box::new(yandex_by_hand::emulator(&rest)?),
        "yandex360" => Box::new(yandex_by_hand::emulator_360(&rest)?),
        other => return Err(format!("there is no emulator of \"{other}\"\n{USAGE}")),
    };
    let shown: Emulator = Box::new(move |request| {
        let answer = emulator(request);
        let body = String::from_utf8_lossy(&answer.body);
        // Some bodies are long on purpose.
        println!("{} {} -> {} {body:.2000}", request.method, request.path, answer.status);
        answer
    });
    let server = Server::start(port, shown).await.map_err(|error| format!("listening on port {port}: {error}"))?;
    println!("listening on {}", server.url("/"));
    std::future::pending().await
}

/// The usage of the service that is named, or of the whole.
fn usage(given: &[String]) -> &'static str {
    let named = |service: &str| given.iter().any(|argument| argument == service);
    match () {
        () if named("channels") => channels::USAGE,
        () if named("dyndns2") => dyndns2::USAGE,
        () if named("lunanode") => lunanode_by_hand::USAGE,
        () if named("pocketdns") => pocketdns_by_hand::USAGE,
        () if named("rackspace") => rackspace_by_hand::USAGE,
        () if named("yandex") => yandex_by_hand::USAGE,
        () if named("yandex360") => yandex_by_hand::USAGE_360,
        () => USAGE,
    }
}

/// The service, the port (any free one unless `--port` is given) and the service's own arguments.
fn arguments(mut given: Vec<String>) -> Result<(String, u16, Vec<String>), String> {
    let mut port = 0;
    if let Some(at) = given.iter().position(|argument| argument == "--port") {
        let value = given.get(at + 1).ok_or("--port wants a number")?;
        port = value.parse().map_err(|_| format!("\"{value}\" is no port"))?;
        given.drain(at..=at + 1);
    }
    if given.is_empty() {
        return Err(format!("which service?\n{USAGE}"));
    }
    let service = given.remove(0);
    Ok((service, port, given))
}
