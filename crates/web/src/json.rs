//! Writes JSON by hand where an answer is made thousands of times a second. Everything else uses serde.
//! It never writes an unescaped text.

use serde::Serialize;

/// Appends a value as JSON.
pub fn value<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("texts and numbers are always JSON");
}

/// Appends `"name":value`, with a comma before it unless an object has just begun.
pub fn field<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, content: &T) {
    key(out, name);
    value(out, content);
}

/// Appends `"name":`, with a comma before it unless an object has just begun. Names need no escaping.
pub fn key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a list made by `each`.
pub fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut each: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        each(out, item);
    }
    out.push(b']');
}
