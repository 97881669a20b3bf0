//! Values that JSON has as strings.

use std::fmt;
use std::ops::Deref;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Something that must not reach a log, such as a passphrase or a seed phrase: `Debug` does not show
/// it. It is not erased from memory.
///
/// ```
/// let passphrase = status1to1::Secret::from("correct horse");
/// assert_eq!(format!("{passphrase:?}"), "[redacted]");
/// assert_eq!(passphrase.expose(), "correct horse");
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret<T = String>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub fn new(value: impl Into<T>) -> Self {
        Secret(value.into())
    }

    /// The value itself.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Secret(value.to_owned())
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Secret(value)
    }
}

impl<T: Into<Bytes>> From<T> for Secret<Bytes> {
    fn from(value: T) -> Self {
        Secret(value.into())
    }
}

/// Bytes, which are base64 in JSON.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes as a vector.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes(bytes)
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<[u8; N]> for Bytes {
    fn from(bytes: [u8; N]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Bytes {
    fn from(bytes: &[u8; N]) -> Self {
        Bytes(bytes.to_vec())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Bytes).map_err(|_| de::Error::custom("not standard base64"))
    }
}

/// A time in nanoseconds since 1970: a string of digits in JSON, whose numbers are exact only below
/// 2^53.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanoseconds(pub u64);

impl From<u64> for Nanoseconds {
    fn from(ns: u64) -> Self {
        Nanoseconds(ns)
    }
}

impl Serialize for Nanoseconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Nanoseconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map(Nanoseconds).map_err(|_| de::Error::custom("not a number of nanoseconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_strings_in_json() {
        let bytes = Bytes::from(b"\x00\xff");
        assert_eq!(serde_json::to_string(&bytes).unwrap(), r#""AP8=""#);
        assert_eq!(serde_json::from_str::<Bytes>(r#""AP8=""#).unwrap(), bytes);
        assert!(serde_json::from_str::<Bytes>(r#""AP8""#).is_err());
        assert_eq!(format!("{bytes:?}"), "Bytes(2 bytes)");

        let time = Nanoseconds(u64::MAX);
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""18446744073709551615""#);
        assert_eq!(serde_json::from_str::<Nanoseconds>(r#""18446744073709551615""#).unwrap(), time);
        assert!(serde_json::from_str::<Nanoseconds>("1").is_err());
    }
}
