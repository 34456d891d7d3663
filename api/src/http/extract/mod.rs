//! Extractors. A handler takes exactly one gate — [`Open`] for public operations, [`Authed`] for all
//! others, [`BuyerAuthed`] for a shop's buyers — and names in it what it wants to read: `Authed<perm::OrderShip, (Path<OrderId>, Json<Ship>)>`.

mod body;
mod buyer_gate;
pub mod form;
mod gate;
mod input;
mod neighbours;
pub mod shape;

pub use body::{Body, Unread};
pub use buyer_gate::{BUYER_COOKIE, BuyerAuthed};
pub use form::{Fields, Upload, UploadedFile, parse_yuan};
pub(in crate::http) use gate::caught;
pub use gate::{Access, Authed, Call, Gate, Open, SURFACE_HEADER, at_seat, logged_in};
pub use input::{IdempotencyKey, IfMatch, Input, JSON_LIMIT, Json, Path, Path2, Path3, Query, RawBody};
pub use neighbours::Neighbour;
