//! What changes the defaults: a user's file, then the environment. Both may only set what the defaults have, with
//! the type that it has there.

use super::Wrongs;
use std::path::Path;
use toml::{Table, Value};

/// What begins the name of every variable of the environment that sets something.
const PREFIX: &str = "FIRSTCOME_";

/// Lays a user's file over the defaults.
pub fn file(table: &mut Table, path: &Path, wrongs: &mut Wrongs) {
    let shown = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => return wrongs.add(&shown, "", format!("cannot be read: {}", error.kind())),
    };
    let own: Table = match text.parse() {
        Ok(own) => own,
        // The message of a syntax error may quote a line, and the line may hold the secret.
        Err(_) => return wrongs.add(&shown, "", "is not TOML"),
    };
    for (section, content) in own {
        let Some(known) = table.get_mut(&section).and_then(Value::as_table_mut) else {
            wrongs.add(&section, "", "no such section");
            continue;
        };
        let Value::Table(content) = content else {
            wrongs.add(&section, "", "must be a section");
            continue;
        };
        for (key, value) in content {
            let name = format!("{section}.{key}");
            match known.get_mut(&key) {
                None => wrongs.add(&name, "", "no such setting"),
                Some(old) if old.same_type(&value) => *old = value,
                Some(old) => {
                    wrongs.add(&name, &value.to_string(), format!("must be a {}", old.type_str()));
                }
            }
        }
    }
}

/// `FIRSTCOME_SERVER_LISTEN` sets `listen` in `[server]`, with the type of its default.
pub fn variable(table: &mut Table, name: &str, text: String, wrongs: &mut Wrongs) {
    let Some(rest) = name.strip_prefix(PREFIX) else { return };
    let rest = rest.to_ascii_lowercase();
    let found = rest.split_once('_').and_then(|(section, key)| {
        let setting = table.get_mut(section)?.as_table_mut()?.get_mut(key)?;
        Some((format!("{section}.{key}"), setting))
    });
    let Some((key, setting)) = found else {
        return wrongs.add(name, "", "no setting has this name");
    };
    let value = match setting {
        Value::Integer(_) => text.parse().ok().map(Value::Integer),
        Value::Boolean(_) => text.parse().ok().map(Value::Boolean),
        Value::Array(_) => {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            Some(Value::Array(parts.map(|part| Value::String(part.to_owned())).collect()))
        }
        _ => Some(Value::String(text.clone())),
    };
    match value {
        Some(value) => *setting = value,
        None => wrongs.add(&key, &text, format!("must be a {}", setting.type_str())),
    }
}
