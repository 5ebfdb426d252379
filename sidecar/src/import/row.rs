//! One row of a file, or of whoever adds one lead, as a lead.

use crate::import::columns::{Columns, Field};
use crate::import::numbers::Numbers;
use crate::store::import::Lead;

/// Reads rows that have the same columns.
pub struct Leads {
    numbers: Numbers,
    columns: Columns,
    /// Numbers of leads that are none, and were left out.
    pub numbers_left_out: u64,
}

impl Leads {
    /// For rows with these columns.
    pub fn new(numbers: Numbers, columns: Columns) -> Leads {
        Leads {
            numbers,
            columns,
            numbers_left_out: 0,
        }
    }

    /// A row as a lead, or why it is none.
    ///
    /// # Errors
    /// The reason, and the row as it was.
    pub fn read(&mut self, line: u64, fields: Vec<String>) -> Result<Lead, (String, Vec<String>)> {
        let columns = &self.columns;
        if fields.len() != columns.fields.len() {
            let reason = format!(
                "the row has {} fields, the header {}",
                fields.len(),
                columns.fields.len()
            );
            return Err((reason, fields));
        }
        let mut lead = Lead {
            line,
            ..Lead::default()
        };
        let mut data = serde_json::Map::new();
        let mut wrong = None;
        for (field, value) in columns.fields.iter().zip(&fields) {
            let text = value.trim();
            if text.is_empty() {
                continue;
            }
            if text.contains('\0') {
                return Err(("a field holds a NUL character".into(), fields));
            }
            match field {
                Field::Phone => match self.numbers.digits(text) {
                    Ok(digits) if lead.numbers.contains(&digits) => {}
                    Ok(digits) => lead.numbers.push(digits),
                    Err(error) => {
                        self.numbers_left_out += 1;
                        wrong = wrong.or(Some(error));
                    }
                },
                Field::TimeZone if crate::windows::is_zone(text) => {
                    lead.time_zone = text.to_owned()
                }
                Field::TimeZone => return Err((format!("there is no time zone {text:?}"), fields)),
                Field::Priority => match text.parse::<i16>() {
                    Ok(priority) if (-100..=100).contains(&priority) => lead.priority = priority,
                    Ok(_) | Err(_) => {
                        return Err((format!("priority {text:?} is not -100 to 100"), fields));
                    }
                },
                Field::Owner => lead.owner = text.to_owned(),
                Field::Skill if is_name(text) => lead.skill = text.to_owned(),
                Field::Skill => {
                    let allowed = "1 to 80 of A-Z a-z 0-9 _ - . / and space";
                    return Err((format!("skill {text:?} is not {allowed}"), fields));
                }
                Field::Data(name) => {
                    data.insert(name.clone(), text.into());
                }
                Field::LeftOut(_) => {}
            }
        }
        if lead.numbers.is_empty() {
            let reason = wrong.map_or_else(
                || "there is no number in the row".into(),
                |error| error.to_string(),
            );
            return Err((reason, fields));
        }
        lead.data = serde_json::Value::Object(data).to_string();
        lead.fields = fields;
        Ok(lead)
    }
}

/// As the database has it for names.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    (1..=80).contains(&text.len()) && text.chars().all(plain) && !text.contains("..")
}
