//! What the columns of a file mean.

use std::collections::BTreeMap;

use crate::import::ImportError;
use crate::limits;

/// What is in a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// A number, in order.
    Phone,
    /// The lead's time zone.
    TimeZone,
    /// The lead's priority.
    Priority,
    /// The agent who alone has the lead.
    Owner,
    /// Agents who have it are preferred.
    Skill,
    /// Data under this name.
    Data(String),
    /// Nothing that is kept.
    LeftOut(String),
}

/// Header words, compared without case, accents and marks: field.
const WORDS: &[(&str, &[&str])] = &[
    (
        "phone",
        &[
            "phone",
            "phone_number",
            "phonenumber",
            "telephone",
            "tel",
            "number",
            "mobile",
            "mobile_phone",
            "cell",
            "cellphone",
            "cell_phone",
            "msisdn",
            "telefone",
            "fone",
            "celular",
            "numero",
            "numero_de_telefone",
            "whatsapp",
            "telefone_celular",
            "telefono",
            "telefono_movil",
            "movil",
            "numero_de_telefono",
            "home_phone",
            "work_phone",
            "telefone_fixo",
            "telefone_residencial",
            "telefone_comercial",
            "telefono_fijo",
            "contato",
            "ddd_telefone",
        ],
    ),
    (
        "time_zone",
        &[
            "time_zone",
            "timezone",
            "tz",
            "fuso",
            "fuso_horario",
            "zona_horaria",
            "huso_horario",
        ],
    ),
    ("priority", &["priority", "prioridade", "prioridad"]),
    ("owner", &["owner_agent"]),
    ("skill", &["skill"]),
    (
        "first_name",
        &[
            "first_name",
            "firstname",
            "given_name",
            "primeiro_nome",
            "nombre_de_pila",
        ],
    ),
    (
        "last_name",
        &[
            "last_name",
            "lastname",
            "surname",
            "family_name",
            "sobrenome",
            "apellido",
            "apellidos",
        ],
    ),
    (
        "name",
        &[
            "name",
            "full_name",
            "nome",
            "nome_completo",
            "nombre",
            "nombre_completo",
        ],
    ),
    (
        "email",
        &["email", "e_mail", "mail", "correo", "correo_electronico"],
    ),
    ("city", &["city", "cidade", "ciudad", "municipio"]),
    ("state", &["state", "estado", "uf", "provincia", "province"]),
    (
        "postal_code",
        &[
            "postal_code",
            "zip",
            "zip_code",
            "postcode",
            "cep",
            "codigo_postal",
        ],
    ),
    ("address", &["address", "endereco", "direccion"]),
];

/// How the columns of one file were understood.
#[derive(Debug)]
pub struct Columns {
    /// For each column.
    pub fields: Vec<Field>,
    /// As in the file.
    pub headers: Vec<String>,
}

impl Columns {
    /// Reads the header; `map` is `header=field,...`.
    ///
    /// # Errors
    /// Says what was found where a phone column is missing, or what is wrong with `map`.
    pub fn read(
        headers: &[String],
        map: &str,
        time_zone: Option<&str>,
    ) -> Result<Columns, ImportError> {
        let mut wanted = read_map(map)?;
        if let Some(header) = time_zone {
            wanted.insert(header.trim().to_owned(), "time_zone".into());
        }
        for header in wanted.keys() {
            if !headers.iter().any(|found| same(found, header)) {
                return Err(ImportError::Refused(format!(
                    "there is no column {header:?}; the file has: {}",
                    listed(headers)
                )));
            }
        }
        let mut fields = Vec::new();
        let mut taken: Vec<String> = Vec::new();
        for header in headers {
            let named = wanted
                .iter()
                .find(|(name, _)| same(name, header))
                .map(|(_, field)| field.as_str());
            let field = understood(header, named, &taken);
            if let Field::Data(name) = &field {
                taken.push(name.clone());
            }
            fields.push(field);
        }
        let phones = fields
            .iter()
            .filter(|field| **field == Field::Phone)
            .count();
        if phones == 0 {
            return Err(ImportError::Refused(format!(
                "no column with telephone numbers; the file has: {}. Name it with --map HEADER=phone",
                listed(headers)
            )));
        }
        if phones > limits::NUMBERS_PER_LEAD {
            return Err(ImportError::Refused(format!(
                "{phones} columns with telephone numbers; a lead has at most {}",
                limits::NUMBERS_PER_LEAD
            )));
        }
        Ok(Columns {
            fields,
            headers: headers.to_vec(),
        })
    }

    /// Header and field of each column that is kept; header and reason of the others.
    #[allow(clippy::type_complexity)]
    pub fn report(&self) -> (Vec<(String, String)>, Vec<(String, String)>) {
        let mut mapped = Vec::new();
        let mut left_out = Vec::new();
        for (header, field) in self.headers.iter().zip(&self.fields) {
            match field {
                Field::Phone => mapped.push((header.clone(), "phone".into())),
                Field::TimeZone => mapped.push((header.clone(), "time_zone".into())),
                Field::Priority => mapped.push((header.clone(), "priority".into())),
                Field::Owner => mapped.push((header.clone(), "owner".into())),
                Field::Skill => mapped.push((header.clone(), "skill".into())),
                Field::Data(name) => mapped.push((header.clone(), name.clone())),
                Field::LeftOut(why) => left_out.push((header.clone(), why.clone())),
            }
        }
        (mapped, left_out)
    }
}

fn read_map(map: &str) -> Result<BTreeMap<String, String>, ImportError> {
    let mut wanted = BTreeMap::new();
    for pair in map.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (header, field) = pair.split_once('=').ok_or_else(|| {
            ImportError::Refused(format!("--map {pair}: write it as HEADER=FIELD"))
        })?;
        let field = field.trim();
        if !is_name(field) && field != "-" {
            return Err(ImportError::Refused(format!(
                "--map {pair}: a field is phone, time_zone, priority, owner, skill, - (left out), or a name of \
                 a-z 0-9 _ that starts with a letter, at most 64 long"
            )));
        }
        wanted.insert(header.trim().to_owned(), field.to_owned());
    }
    Ok(wanted)
}

fn understood(header: &str, named: Option<&str>, taken: &[String]) -> Field {
    let name = match named {
        Some("-") => return Field::LeftOut("as asked".into()),
        Some(name) => name.to_owned(),
        None => match word(header) {
            Some(name) => name.to_owned(),
            None => plain(&unaccented(header)),
        },
    };
    match name.as_str() {
        "phone" => return Field::Phone,
        "time_zone" => return Field::TimeZone,
        "priority" => return Field::Priority,
        "skill" => return Field::Skill,
        // A column of that name may be somebody else's owner: only where it is said.
        "owner" if named.is_some() || word(header).is_some() => return Field::Owner,
        _ => {}
    }
    if is_numbered_phone(&name) {
        return Field::Phone;
    }
    if !is_name(&name) {
        return Field::LeftOut(
            "its name can't be used: letters, digits, spaces and - _ . only, starting with a letter, at most 64; \
             give it a name with --map HEADER=name"
                .into(),
        );
    }
    if taken.contains(&name) {
        return Field::LeftOut(format!(
            "a column {name} was there before; give it another name with --map HEADER=name"
        ));
    }
    Field::Data(name)
}

fn word(header: &str) -> Option<&'static str> {
    let header = plain(&unaccented(header));
    let is = |words: &[&str]| words.contains(&header.as_str());
    WORDS
        .iter()
        .find(|(_, words)| is(words))
        .map(|(field, _)| *field)
}

/// `phone2`, `phone_3`, `telefone 2`.
fn is_numbered_phone(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.len() < name.len() && word(stem.trim_end_matches('_')) == Some("phone")
}

/// Lower case, words joined by underscores. What else is in it stays, and is refused later: a name
/// such as `FILE(/x)` must not turn into a harmless one unseen.
fn plain(header: &str) -> String {
    let lower = header.trim().to_lowercase();
    lower
        .split([' ', '-', '.', '_'])
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("_")
}

fn unaccented(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ã' | 'ä' | 'Á' | 'À' | 'Â' | 'Ã' => 'a',
            'é' | 'ê' | 'è' | 'É' | 'Ê' => 'e',
            'í' | 'Í' => 'i',
            'ó' | 'ô' | 'õ' | 'ö' | 'Ó' | 'Ô' | 'Õ' => 'o',
            'ú' | 'ü' | 'Ú' => 'u',
            'ç' | 'Ç' => 'c',
            'ñ' | 'Ñ' => 'n',
            other => other,
        })
        .collect()
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase());
    first
        && name.len() <= 64
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

fn listed(headers: &[String]) -> String {
    headers
        .iter()
        .map(|header| format!("{:?}", header.trim()))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[&str], map: &str) -> Result<Vec<Field>, String> {
        let headers: Vec<String> = headers.iter().map(|h| (*h).to_owned()).collect();
        Columns::read(&headers, map, None)
            .map(|columns| columns.fields)
            .map_err(|e| e.to_string())
    }

    fn data(name: &str) -> Field {
        Field::Data(name.into())
    }

    #[test]
    fn common_words_are_understood() {
        assert_eq!(
            read(
                &[
                    "Telefone",
                    "Nome Completo",
                    "Telefone 2",
                    "Fuso Horário",
                    "CEP",
                    "Contract-No."
                ],
                ""
            )
            .unwrap(),
            [
                Field::Phone,
                data("name"),
                Field::Phone,
                Field::TimeZone,
                data("postal_code"),
                data("contract_no")
            ]
        );
        assert_eq!(
            read(&["Teléfono móvil", "Apellidos"], "").unwrap(),
            [Field::Phone, data("last_name")]
        );
        assert_eq!(
            read(&["PHONE", "phone2", "phone_3"], "").unwrap(),
            [Field::Phone, Field::Phone, Field::Phone]
        );
    }

    #[test]
    fn names_that_could_run_something_are_left_out() {
        for header in [
            "FILE(/x)",
            "GLOBAL(X)",
            "SHELL(id)",
            "a=b",
            "${X}",
            "1st",
            "x;y",
            &"x".repeat(65),
        ] {
            let fields = read(&["phone", header], "").unwrap();
            assert!(matches!(fields[1], Field::LeftOut(_)), "{header}");
        }
        // Plain data: it never becomes a channel variable.
        assert_eq!(
            read(&["phone", "execute_on_answer"], "").unwrap()[1],
            data("execute_on_answer")
        );
    }

    #[test]
    fn a_missing_phone_column_lists_what_was_found() {
        let error = read(&["Kunde", "Ort"], "").unwrap_err();
        assert!(
            error.contains("\"Kunde\", \"Ort\"") && error.contains("--map"),
            "{error}"
        );
    }

    #[test]
    fn map_decides() {
        assert_eq!(
            read(&["Rufnr", "x"], "rufnr=phone,x=-").unwrap(),
            [Field::Phone, Field::LeftOut("as asked".into())]
        );
        assert!(read(&["a"], "b=phone").unwrap_err().contains("\"a\""));
        assert!(read(&["a"], "a=Bad Name").is_err());
        assert!(read(&["a"], "a").is_err());
    }

    #[test]
    fn a_second_column_of_one_name_is_left_out() {
        assert!(matches!(
            read(&["phone", "name", "nome"], "").unwrap()[2],
            Field::LeftOut(_)
        ));
    }
}
