//! Writes what is made of the program's own declarations: completions, the schema for editors, the manual's lists.
//!
//! `cargo run --features import --example assets`, wherever an option, a key, a provider or a channel has changed. A test says when that was forgotten.

#![expect(clippy::print_stdout, reason = "a command for people")]

use std::fs;
use std::path::Path;

#[path = "mod.rs"]
mod assets;

fn main() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (path, made) in assets::files(root)? {
        let at = root.join(path);
        if fs::read_to_string(&at).is_ok_and(|there| there == made) {
            continue;
        }
        fs::write(&at, made).map_err(|error| format!("writing {path}: {error}"))?;
        println!("{path}");
    }
    Ok(())
}
