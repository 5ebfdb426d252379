//! The first message, which any two builds must understand.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// Who connects.
///
/// Frozen: fields are only appended. postcard writes fields one behind the other, without names: an
/// older build overlooks what follows those that it knows, and a newer one takes a message that
/// ends before a field as one that says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Oldest version spoken.
    pub version_min: u16,
    /// Newest version spoken.
    pub version_max: u16,
    /// This node's name, from the module's configuration.
    pub node: String,
    /// Drawn at random when the engine was made: tells a reconnect from a new life.
    pub instance: u64,
    /// Version of the library.
    pub library: String,
    /// Version of the C ABI, `major << 16 | minor`.
    pub abi: u32,
    /// The PBX and its version.
    pub pbx: String,
    /// Process id of the PBX.
    pub pid: u32,
    /// Leases in hand (a reconnect of a living engine), to be kept alive.
    pub leases: Vec<u64>,
    /// Calls reach nobody: the PBX is a simulated one, and test campaigns are all it may have.
    /// Since version 2; not said: false.
    pub test_host: bool,
}

const NAME: &str = "Hello";
const FIELDS: &[&str] = &[
    "version_min",
    "version_max",
    "node",
    "instance",
    "library",
    "abi",
    "pbx",
    "pid",
    "leases",
    "test_host",
];

impl Serialize for Hello {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct(NAME, FIELDS.len())?;
        fields.serialize_field("version_min", &self.version_min)?;
        fields.serialize_field("version_max", &self.version_max)?;
        fields.serialize_field("node", &self.node)?;
        fields.serialize_field("instance", &self.instance)?;
        fields.serialize_field("library", &self.library)?;
        fields.serialize_field("abi", &self.abi)?;
        fields.serialize_field("pbx", &self.pbx)?;
        fields.serialize_field("pid", &self.pid)?;
        fields.serialize_field("leases", &self.leases)?;
        fields.serialize_field("test_host", &self.test_host)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Hello {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hello, D::Error> {
        deserializer.deserialize_struct(NAME, FIELDS, Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Hello;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hello")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Hello, A::Error> {
        fn next<'de, A: SeqAccess<'de>, T: Deserialize<'de>>(
            fields: &mut A,
            name: &'static str,
        ) -> Result<T, A::Error> {
            let field = fields.next_element()?;
            field.ok_or_else(|| de::Error::missing_field(name))
        }
        Ok(Hello {
            version_min: next(&mut fields, "version_min")?,
            version_max: next(&mut fields, "version_max")?,
            node: next(&mut fields, "node")?,
            instance: next(&mut fields, "instance")?,
            library: next(&mut fields, "library")?,
            abi: next(&mut fields, "abi")?,
            pbx: next(&mut fields, "pbx")?,
            pid: next(&mut fields, "pid")?,
            leases: next(&mut fields, "leases")?,
            // The message of version 1 ends here.
            test_host: matches!(fields.next_element(), Ok(Some(true))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reader, Up, encode};

    /// As version 1 has it.
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct HelloOne {
        version_min: u16,
        version_max: u16,
        node: String,
        instance: u64,
        library: String,
        abi: u32,
        pbx: String,
        pid: u32,
        leases: Vec<u64>,
    }

    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    enum UpOne {
        Hello(HelloOne),
    }

    fn one() -> HelloOne {
        HelloOne {
            version_min: 1,
            version_max: 1,
            node: "pbx1".into(),
            instance: u64::MAX >> 1,
            library: "0.1.0".into(),
            abi: 1 << 16,
            pbx: "Asterisk 22.10".into(),
            pid: 4711,
            leases: vec![1, 1 << 40],
        }
    }

    fn two(test_host: bool) -> Hello {
        let one = one();
        Hello {
            version_min: one.version_min,
            version_max: one.version_max,
            node: one.node,
            instance: one.instance,
            library: one.library,
            abi: one.abi,
            pbx: one.pbx,
            pid: one.pid,
            leases: one.leases,
            test_host,
        }
    }

    fn read<T: serde::de::DeserializeOwned>(message: &impl serde::Serialize) -> T {
        let mut bytes = Vec::new();
        encode(message, &mut bytes).unwrap();
        let mut reader = Reader::default();
        reader.push(&bytes);
        reader.next().unwrap().unwrap()
    }

    #[test]
    fn both_versions_understand_each_other() {
        assert_eq!(read::<Up>(&UpOne::Hello(one())), Up::Hello(two(false)));
        for test_host in [false, true] {
            let hello = Up::Hello(two(test_host));
            assert_eq!(read::<UpOne>(&hello), UpOne::Hello(one()));
            assert_eq!(read::<Up>(&hello), hello);
        }
    }

    #[test]
    fn a_hello_that_ends_before_version_ones_last_field_is_none() {
        let mut bytes = Vec::new();
        encode(&UpOne::Hello(one()), &mut bytes).unwrap();
        let body = &bytes[4..bytes.len() - 8];
        assert!(postcard::from_bytes::<Up>(body).is_err());
    }
}
