//! The checklist of a live session at a platform that has no interface for beginning one: what a person does, in order,
//! who did it and when. A step is done when somebody says so; nothing is ticked by the server.

words! {
    /// A step of every session; the platform's own pages or app are where it is done.
    pub enum LiveStep {
        /// Open the switches of the interfaces in the assistant.
        Switches = "switches",
        /// Put what will be sold into the window.
        Window = "window",
        /// Announce the session, so that people can reserve.
        Announce = "announce",
        /// Create the room: cover, title, by phone or by stream.
        Room = "room",
        /// Put products of the window into the shopping bag and order them.
        Bag = "bag",
        /// Go on air.
        Begin = "begin",
        /// Explain products one by one.
        Explain = "explain",
        /// Go off air.
        End = "end",
        /// Look at the figures of the room.
        Figures = "figures",
    }
}

words! {
    /// When a step is done.
    pub enum LivePhase {
        /// Before the session.
        Before = "before",
        /// While on air.
        During = "during",
        /// Afterwards.
        After = "after",
    }
}

impl LiveStep {
    /// When it is done.
    pub const fn phase(self) -> LivePhase {
        match self {
            Self::Switches | Self::Window | Self::Announce | Self::Room | Self::Bag => LivePhase::Before,
            Self::Begin | Self::Explain => LivePhase::During,
            Self::End | Self::Figures => LivePhase::After,
        }
    }
}

/// Longest title of a session.
pub const TITLE: usize = 60;
/// Longest step that a merchant adds.
pub const OWN_STEP: usize = 80;
/// Longest note to a step.
pub const NOTE: usize = 200;
/// Most steps that a merchant adds to a session.
pub const MOST_OWN_STEPS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_in_the_order_of_a_session() {
        let order = [LivePhase::Before, LivePhase::During, LivePhase::After];
        let at = |step: &LiveStep| order.iter().position(|phase| *phase == step.phase()).unwrap();
        assert!(LiveStep::ALL.iter().map(at).collect::<Vec<_>>().is_sorted());
    }
}
