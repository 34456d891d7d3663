//! Orders: bringing them in from channels, their stock and money, shipping them, and reading them.
//!
//! * [`sync`] fetches one order and [`apply`]s it; a push, the [`reconcile`]r and a shipment all lead here.
//! * [`apply`] is the only place where a channel's report changes an order. It is idempotent and indifferent
//!   to the order of reports: `domain::order` decides what is new, [`goods`] moves stock, [`booking`] books.
//! * [`ship`] queues a parcel, [`send`] tells the channel, [`carriers`] are the channel's own.
//! * [`desk`] is remark, price and address: told to the channel, and read back.
//! * [`sources`] tells what was sold by which account and scene.
//! * [`read`] is what people look at. [`settle`] makes the money available when the after-sale window ends.

pub mod apply;
pub mod booking;
pub mod carriers;
pub mod desk;
mod desk_news;
pub mod goods;
pub mod parcels;
pub mod read;
pub mod reconcile;
pub mod report;
pub mod reveal;
pub mod send;
pub mod settle;
pub mod ship;
pub mod sources;
pub mod sync;
pub mod terms;
