//! Tables on a terminal.

use serde_json::Value;

/// Prints rows of JSON objects: a header and a key for each column.
pub fn print(columns: &[(&str, &str)], rows: &[Value]) {
    let mut lines: Vec<Vec<String>> = vec![
        columns
            .iter()
            .map(|(header, _)| header.to_uppercase())
            .collect(),
    ];
    for row in rows {
        lines.push(
            columns
                .iter()
                .map(|(_, key)| text(row.get(key).unwrap_or(&Value::Null)))
                .collect(),
        );
    }
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|line| line.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| width(column).unwrap_or(0))
        .collect();
    for line in &lines {
        let cells: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        println!("{}", cells.join("  ").trim_end());
    }
}

/// A value as people read it.
pub fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() => "-".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".into(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        Value::Object(fields) if fields.is_empty() => "-".into(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| format!("{key} {}", text(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// The rows of an answer.
pub fn rows(answer: Value) -> Vec<Value> {
    match answer {
        Value::Array(rows) => rows,
        other @ (Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)) => vec![other],
    }
}

/// Prints rows as a table, or the answer as it came.
pub fn show(json: bool, columns: &[(&str, &str)], answer: Value) {
    if json {
        println!("{answer:#}");
    } else {
        print(columns, &rows(answer));
    }
}
