//! A model of PBX, carrier, callees and agents on a virtual clock, driven by the engine itself.
//!
//! [`World`] says how callees and agents behave, [`Shift`] lets one team work in it for some hours,
//! [`Figures`] is what came of it. The same seed gives the same shift.
#![forbid(unsafe_code)]

mod book;
mod chance;
pub mod chaos;
mod error;
mod figures;
mod leads;
mod plan;
mod queue;
pub mod rivals;
mod shift;
mod world;

pub use chance::{BadSpread, Chance};
pub use error::SimError;
pub use figures::{Figures, Quarter};
pub use plan::Plan;
pub use queue::Queue;
pub use rivals::Rival;
pub use shift::Shift;
pub use world::{Change, Dice, Fate, Tells, World};
