//! The providers there are, and what each is told.

use serde::Serialize;
use serde_json::json;

use super::print;
use crate::app::Failure;
use crate::config;
use crate::provider::setting::Setting;
use crate::provider::{self, REGISTRY};

/// A provider for `--json`.
#[derive(Serialize)]
struct ProviderView<'a> {
    name: &'a str,
    title: &'a str,
    shape: &'a str,
    documentation: &'a str,
    settings: Vec<serde_json::Value>,
}

/// The providers, or the settings of one.
pub(super) fn providers(only: Option<&str>, json: bool) -> Result<u8, Failure> {
    let chosen = match only {
        None => REGISTRY.to_vec(),
        Some(name) => vec![provider::find(name).copied().ok_or_else(|| {
            let hint = config::suggest(name, "there are", REGISTRY.iter().map(|entry| entry.name));
            Failure::Other(78, format!("there is no provider \"{name}\"{hint}"))
        })?],
    };
    if json {
        let views = chosen.iter().map(|entry| ProviderView {
            name: entry.name,
            title: entry.title,
            shape: entry.shape,
            documentation: entry.documentation,
            settings: entry.settings.iter().map(setting_view).collect(),
        });
        print::json(&json!({ "providers": views.collect::<Vec<_>>() }))?;
        return Ok(0);
    }
    if let (Some(_), [entry]) = (only, chosen.as_slice()) {
        print::line(&format!("{}: {}\n{}\n", entry.name, entry.title, entry.documentation));
        entry.settings.iter().for_each(show_setting);
        return Ok(0);
    }
    let rows: Vec<Vec<String>> =
        chosen.iter().map(|entry| vec![entry.name.into(), entry.shape.into(), entry.title.into()]).collect();
    print::table(&["PROVIDER", "SHAPE", "SERVICE"], &rows);
    print::line("\ndriftless providers NAME shows the settings of one");
    Ok(0)
}

fn setting_view(setting: &Setting) -> serde_json::Value {
    json!({
        "name": setting.name, "required": setting.required, "variable": setting.variable, "help": setting.help,
        "holds": setting.kind.to_string(),
    })
}

fn show_setting(setting: &Setting) {
    let required = if setting.required { ", required" } else { "" };
    let variable = if setting.variable.is_empty() { String::new() } else { format!(", or ${}", setting.variable) };
    print::hanging(&format!("{} ({}{required}{variable})", setting.name, setting.kind), 4);
    print::hanging(&format!("    {}", setting.help), 0);
}
