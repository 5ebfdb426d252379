//! Leads from CSV files: bytes in, leads in PostgreSQL and a report out.
//!
//! The file is read in pieces and written in chunks, so memory does not grow with it; all in one
//! transaction, so a file that turns out to be broken leaves nothing behind.

pub mod columns;
pub mod decode;
pub mod lines;
pub mod numbers;
pub mod row;
pub mod run;

use serde::{Deserialize, Serialize};

/// How a file is to be read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Options {
    /// Campaign.
    pub campaign: String,
    /// List; made if there is none of that name.
    pub list: String,
    /// Country of numbers without `+`.
    pub country: Option<String>,
    /// `header=field`, separated by commas.
    #[serde(default)]
    pub map: String,
    /// Header of the column with the lead's time zone.
    pub time_zone_column: Option<String>,
    /// `utf-8`, or a name such as `latin1`.
    pub encoding: Option<String>,
    /// The delimiter, if it is not to be guessed.
    pub delimiter: Option<String>,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file or the options.
    #[error("{0}")]
    Refused(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// The upload broke off.
    #[error("the upload broke off before its end; nothing was imported")]
    BrokenOff,
}

/// A line of the answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// So far.
    Progress {
        /// Bytes read.
        bytes: u64,
        /// Leads written.
        imported: u64,
        /// Rows rejected.
        rejected: u64,
    },
    /// A row that was not taken.
    Reject {
        /// In the file, from 1.
        line: u64,
        /// Why.
        reason: String,
        /// Its fields.
        fields: Vec<String>,
    },
    /// How the columns were understood; comes first.
    Columns {
        /// As in the file.
        headers: Vec<String>,
        /// Header and field.
        mapped: Vec<(String, String)>,
        /// Columns that were left out, and why.
        left_out: Vec<(String, String)>,
    },
    /// All is committed.
    Done {
        /// Leads written.
        imported: u64,
        /// Rows rejected, duplicates included.
        rejected: u64,
        /// Of which a number was in the file before.
        duplicate_in_file: u64,
        /// Of which a number was in the campaign before.
        duplicate_in_campaign: u64,
        /// Further numbers of leads that were taken, or of rows that were not, that are no numbers.
        numbers_left_out: u64,
    },
    /// Nothing was imported.
    Failed {
        /// Why, and how to mend it.
        error: String,
    },
}

/// A value that no spreadsheet takes for a formula.
pub fn defused(value: &str) -> String {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{value}")
    } else {
        value.to_owned()
    }
}
