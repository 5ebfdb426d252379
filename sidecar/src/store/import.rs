//! Leads of a file, written by COPY in one transaction.

use std::collections::BTreeMap;
use std::io::Write;

use postgres::{Client, Transaction};

use crate::clock;
use crate::import::Report;
use crate::store::StoreError;
use crate::store::campaigns::TABLE;

/// One lead of a file.
#[derive(Clone, Debug, Default)]
pub struct Lead {
    /// Line in the file.
    pub line: u64,
    /// Digits, in order; at least one.
    pub numbers: Vec<String>,
    /// Empty: the campaign's.
    pub time_zone: String,
    /// Higher first.
    pub priority: i16,
    /// The agent who alone has the lead, by name; empty: none.
    pub owner: String,
    /// Agents who have it are preferred; empty: none.
    pub skill: String,
    /// A JSON object.
    pub data: String,
    /// The row as it was, to report it.
    pub fields: Vec<String>,
}

/// Leads that are written at once.
#[derive(Default)]
pub struct Chunk {
    /// They.
    pub leads: Vec<Lead>,
    /// Their bytes, about.
    pub size: usize,
    /// Bytes of the file read so far.
    pub bytes: u64,
    /// Rows rejected so far.
    pub rejected: u64,
}

/// An import in progress; dropped without [`Writer::commit`], it leaves nothing behind.
pub struct Writer<'a> {
    transaction: Transaction<'a>,
    campaign: i64,
    list: i64,
    first_id: Option<i64>,
    empty_campaign: bool,
    agents: BTreeMap<String, i64>,
    /// Leads written.
    pub imported: u64,
    /// Duplicates of rows of the same file.
    pub in_file: u64,
    /// Duplicates of leads that were there before.
    pub in_campaign: u64,
    /// Leads of an agent who takes no calls of the campaign.
    pub strangers: u64,
}

impl<'a> Writer<'a> {
    /// Begins; imports into one campaign take turns.
    ///
    /// # Errors
    /// There is no such campaign, the list's name is bad, or what PostgreSQL says.
    pub fn start(
        client: &'a mut Client,
        campaign: &str,
        list: &str,
    ) -> Result<Writer<'a>, StoreError> {
        let id = clock::id(TABLE.id(client, campaign)?);
        let mut transaction = client.transaction()?;
        // Two imports that can't see each other's leads could both write the same number.
        transaction.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('outdial import', $1::bigint))",
            &[&id],
        )?;
        let list = transaction
            .query_one(
                "INSERT INTO outdial.lists (campaign_id, name) VALUES ($1, $2)
                 ON CONFLICT (campaign_id, name) DO UPDATE SET name = excluded.name RETURNING id",
                &[&id, &list],
            )
            .map_err(|error| super::explain("list", list, error))?
            .get(0);
        let empty_campaign: bool = transaction
            .query_one(
                "SELECT NOT EXISTS (SELECT FROM outdial.leads WHERE campaign_id = $1)",
                &[&id],
            )?
            .get(0);
        let agents = transaction
            .query(
                "SELECT a.name, a.id FROM outdial.agents a
                 JOIN outdial.agent_campaigns ac ON ac.agent_id = a.id WHERE ac.campaign_id = $1",
                &[&id],
            )?
            .iter()
            .map(|row| (row.get(0), row.get(1)))
            .collect();
        Ok(Writer {
            transaction,
            agents,
            strangers: 0,
            campaign: id,
            list,
            first_id: None,
            empty_campaign,
            imported: 0,
            in_file: 0,
            in_campaign: 0,
        })
    }

    /// Rows that were not taken because their first number is a lead's already, or their owner
    /// takes no calls of the campaign.
    pub fn left_out(&self) -> u64 {
        self.in_file + self.in_campaign + self.strangers
    }

    /// Writes a chunk; the duplicates in it come back as rejects.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub fn write(&mut self, chunk: Chunk) -> Result<Vec<Report>, StoreError> {
        let mut known = self.known(&chunk.leads)?;
        let mut rejects = Vec::new();
        let mut fresh = Vec::with_capacity(chunk.leads.len());
        for lead in chunk.leads {
            let Some(first) = lead.numbers.first() else {
                continue;
            };
            if !lead.owner.is_empty() && !self.agents.contains_key(&lead.owner) {
                self.strangers += 1;
                rejects.push(reject(
                    lead,
                    "owner: no agent of that name takes calls of the campaign",
                ));
                continue;
            }
            match known.get(first) {
                Some(Known::InFile) => {
                    self.in_file += 1;
                    rejects.push(reject(
                        lead,
                        "duplicate: the number was in this file before",
                    ));
                }
                Some(Known::InCampaign) => {
                    self.in_campaign += 1;
                    rejects.push(reject(
                        lead,
                        "duplicate: the number is in the campaign already",
                    ));
                }
                None => {
                    for number in &lead.numbers {
                        known.entry(number.clone()).or_insert(Known::InFile);
                    }
                    fresh.push(lead);
                }
            }
        }
        self.copy(&fresh)?;
        Ok(rejects)
    }

    fn known(&mut self, leads: &[Lead]) -> Result<BTreeMap<String, Known>, StoreError> {
        if self.empty_campaign && self.first_id.is_none() {
            return Ok(BTreeMap::new());
        }
        let numbers: Vec<&str> = leads
            .iter()
            .filter_map(|lead| lead.numbers.first())
            .map(String::as_str)
            .collect();
        let rows = self.transaction.query(
            "SELECT number, max(lead_id) FROM outdial.lead_numbers
             WHERE campaign_id = $1 AND number = ANY ($2) GROUP BY number",
            &[&self.campaign, &numbers],
        )?;
        let first_id = self.first_id;
        Ok(rows
            .iter()
            .map(|row| {
                let ours = first_id.is_some_and(|first| row.get::<_, i64>(1) >= first);
                (
                    row.get(0),
                    if ours {
                        Known::InFile
                    } else {
                        Known::InCampaign
                    },
                )
            })
            .collect())
    }

    fn copy(&mut self, leads: &[Lead]) -> Result<(), StoreError> {
        if leads.is_empty() {
            return Ok(());
        }
        let count = i64::try_from(leads.len()).unwrap_or(i64::MAX);
        let ids: Vec<i64> = self
            .transaction
            .query(
                "SELECT nextval('outdial.lead_seq') FROM generate_series(1, $1::bigint)",
                &[&count],
            )?
            .iter()
            .map(|row| row.get(0))
            .collect();
        if self.first_id.is_none() {
            self.first_id = ids.first().copied();
        }
        let mut text = Vec::new();
        for (lead, id) in leads.iter().zip(&ids) {
            line(
                &mut text,
                format_args!(
                    "{}\t{id}\t{}\t{}\t{}\t",
                    self.campaign, self.list, lead.priority, lead.time_zone
                ),
            );
            match self.agents.get(&lead.owner) {
                Some(agent) => line(&mut text, format_args!("{agent}\t")),
                None => text.extend_from_slice(b"\\N\t"),
            }
            match lead.skill.as_str() {
                "" => text.extend_from_slice(b"\\N"),
                skill => escape(&mut text, skill),
            }
            text.push(b'\t');
            escape(&mut text, &lead.data);
            text.push(b'\n');
        }
        self.send(
            "COPY outdial.leads (campaign_id, id, list_id, priority, time_zone, owner_agent, skill, data) FROM STDIN",
            &text,
        )?;
        text.clear();
        for (lead, id) in leads.iter().zip(&ids) {
            for (position, number) in lead.numbers.iter().enumerate() {
                line(
                    &mut text,
                    format_args!("{}\t{id}\t{position}\t{number}\n", self.campaign),
                );
            }
        }
        self.send(
            "COPY outdial.lead_numbers (campaign_id, lead_id, position, number) FROM STDIN",
            &text,
        )?;
        self.imported += u64::try_from(leads.len()).unwrap_or(0);
        Ok(())
    }

    fn send(&mut self, sql: &str, text: &[u8]) -> Result<(), StoreError> {
        let mut copy = self.transaction.copy_in(sql)?;
        copy.write_all(text)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        copy.finish()?;
        Ok(())
    }

    /// Makes it final.
    ///
    /// # Errors
    /// What PostgreSQL says; nothing was imported then.
    pub fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit()?)
    }
}

#[derive(Clone, Copy)]
enum Known {
    InFile,
    InCampaign,
}

fn reject(lead: Lead, reason: &str) -> Report {
    Report::Reject {
        line: lead.line,
        reason: reason.to_owned(),
        fields: lead.fields,
    }
}

fn line(text: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = text.write_fmt(arguments);
}

/// As COPY's text format wants it.
fn escape(text: &mut Vec<u8>, value: &str) {
    for byte in value.bytes() {
        match byte {
            b'\\' => text.extend_from_slice(b"\\\\"),
            b'\n' => text.extend_from_slice(b"\\n"),
            b'\r' => text.extend_from_slice(b"\\r"),
            b'\t' => text.extend_from_slice(b"\\t"),
            other => text.push(other),
        }
    }
}
