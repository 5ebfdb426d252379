//! Rows of configuration from and to JSON objects, by column name.

use postgres::{Client, GenericClient};
use serde_json::{Map, Value};

use crate::clock;
use crate::store::{Fault, StoreError, describe, explain, fault};

/// A table of configuration, and which of its columns may be set.
pub struct Table {
    /// With schema.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    /// Columns that may be set.
    pub columns: &'static [&'static str],
}

impl Table {
    /// Adds a row; what is not named gets the column's default. Tells its id.
    ///
    /// # Errors
    /// Names the field that is wrong and what is allowed.
    pub fn insert(
        &self,
        client: &mut Client,
        fields: &Map<String, Value>,
    ) -> Result<u64, StoreError> {
        let columns = self.columns_of(fields)?;
        let sql = format!(
            "INSERT INTO {table} ({columns})
             SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $1) RETURNING id",
            table = self.name
        );
        let row = client
            .query_one(&sql, &[&Value::Object(fields.clone())])
            .map_err(|error| self.explain(&name_of(fields), error))?;
        Ok(clock::uid(row.get(0)))
    }

    /// Changes the row of that name.
    ///
    /// # Errors
    /// See [`Table::insert`]; [`StoreError::NotFound`] where there is no such row.
    pub fn update(
        &self,
        client: &mut impl GenericClient,
        name: &str,
        fields: &Map<String, Value>,
    ) -> Result<(), StoreError> {
        let columns = self.columns_of(fields)?;
        if columns.is_empty() {
            return Err(StoreError::Refused(format!(
                "nothing to change on {} {name:?}",
                self.what
            )));
        }
        let sql = format!(
            "UPDATE {table} t SET ({columns}) =
               (SELECT {columns} FROM jsonb_populate_record(NULL::{table}, $2))
             WHERE t.name = $1",
            table = self.name,
        );
        let changed = client
            .execute(&sql, &[&name, &Value::Object(fields.clone())])
            .map_err(|error| self.explain(name, error))?;
        self.found(name, changed)
    }

    /// Removes the row of that name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none.
    pub fn remove(&self, client: &mut Client, name: &str) -> Result<(), StoreError> {
        let sql = format!("DELETE FROM {} WHERE name = $1", self.name);
        let removed = client.execute(&sql, &[&name])?;
        self.found(name, removed)
    }

    /// The id of the row of that name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is none.
    pub fn id(&self, client: &mut Client, name: &str) -> Result<u64, StoreError> {
        let sql = format!("SELECT id FROM {} WHERE name = $1", self.name);
        match client.query_opt(&sql, &[&name])? {
            Some(row) => Ok(clock::uid(row.get(0))),
            None => Err(self.missing(name)),
        }
    }

    fn found(&self, name: &str, rows: u64) -> Result<(), StoreError> {
        if rows == 0 {
            Err(self.missing(name))
        } else {
            Ok(())
        }
    }

    fn missing(&self, name: &str) -> StoreError {
        StoreError::NotFound(format!("there is no {} {name:?}", self.what))
    }

    fn columns_of(&self, fields: &Map<String, Value>) -> Result<String, StoreError> {
        for key in fields.keys() {
            if !self.columns.contains(&key.as_str()) {
                return Err(StoreError::Refused(format!(
                    "a {} has no field {key:?}; fields: {}",
                    self.what,
                    self.columns.join(", ")
                )));
            }
        }
        let columns: Vec<&str> = fields.keys().map(String::as_str).collect();
        Ok(columns.join(", "))
    }

    fn explain(&self, name: &str, error: postgres::Error) -> StoreError {
        let data = fault(&error) == Fault::Data;
        let text = describe(&error);
        let explained = explain(self.what, name, error);
        if data && matches!(explained, StoreError::Sql(_)) {
            return StoreError::Refused(format!("{} {name:?}: {text}", self.what));
        }
        explained
    }
}

fn name_of(fields: &Map<String, Value>) -> String {
    fields
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// All rows of a query with one `jsonb` column.
///
/// # Errors
/// What PostgreSQL says.
pub fn rows(
    client: &mut Client,
    sql: &str,
    params: &[&(dyn postgres::types::ToSql + Sync)],
) -> Result<Vec<Value>, StoreError> {
    Ok(client
        .query(sql, params)?
        .iter()
        .map(|row| row.get(0))
        .collect())
}
