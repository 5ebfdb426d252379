//! What can go wrong.

/// Why a shift can't be worked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// A mean, spread or shape of the world is no such thing.
    #[error("a mean, spread or shape of the world is not above 0")]
    World,
    /// The engine refused the configuration.
    #[error("{0}")]
    Config(String),
    /// The engine never comes to rest.
    #[error("the engine never comes to rest")]
    Endless,
}
