//! Whoever calls in: a leg that the engine has taken and nobody has dialed.

use outdial_engine::{CampaignId, InboundCall, Span};

use super::super::stage::{Stage, exponential};
use super::{Fate, Leg, Pbx, Phase, Step, TALK_MOST, step};

impl Pbx {
    /// The engine has taken him; he waits in his bridge in a moment.
    pub(crate) fn takes_in(
        &mut self,
        stage: &mut Stage,
        call: InboundCall,
        (campaign, patience_ms): (CampaignId, u32),
    ) {
        let mut leg = Leg::new(campaign, Phase::Answered, Fate::Person);
        leg.inbound = true;
        self.legs.insert(call.leg, leg);
        let draw = &mut self.inbound_dice;
        step(
            stage,
            exponential(draw, patience_ms),
            call.leg,
            Step::Impatient,
        );
        step(stage, TALK_MOST, call.leg, Step::HungUp);
        // Of some nothing more is heard.
        if !draw.happens(0.01) {
            let ready = Span(20_000 + exponential(draw, 30).0);
            step(stage, ready, call.leg, Step::Ready);
        }
    }
}
