//! How many calls to start: the formulas of the modes.

use crate::config::Mode;
use crate::explain::Reason;

/// What a pacing decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    /// Agents logged in for the campaign, and not paused.
    pub(crate) agents: u32,
    /// Of which free, and this campaign's to count on.
    pub(crate) free: u32,
    /// Attempts that may still need one of them.
    pub(crate) in_flight: u32,
    /// Attempts live.
    pub(crate) active: u32,
    /// The campaign's cap on `active`.
    pub(crate) max_concurrent: u32,
}

/// Calls to start now; `Err` says why there are none. `predict` says how many are wise of those that
/// a predictive campaign may start.
pub(crate) fn calls(
    mode: Mode,
    load: Load,
    predict: impl FnOnce(u32) -> Result<u32, Reason>,
) -> Result<u32, Reason> {
    let room = load.max_concurrent.saturating_sub(load.active);
    if room == 0 {
        return Err(Reason::MaxConcurrent);
    }
    if load.agents == 0 && mode != Mode::Agentless {
        return Err(Reason::NoAgents);
    }
    let for_agents = |wanted: u32| match wanted.saturating_sub(load.in_flight).min(room) {
        0 => Err(Reason::AgentsBusy),
        calls => Ok(calls),
    };
    match mode {
        Mode::Preview { .. } => Err(Reason::Previewing),
        Mode::Progressive => for_agents(load.free),
        Mode::Power { ratio_milli } => for_agents(times(load.free, ratio_milli)),
        Mode::Predictive { max_ratio_milli } => {
            let lines = max_ratio_milli.map_or(u32::MAX, |ratio| times(load.agents, ratio));
            match lines.saturating_sub(load.active).min(room) {
                0 => Err(Reason::MaxRatio),
                most => predict(most),
            }
        }
        Mode::Agentless => Ok(room),
    }
}

/// `n` times a ratio in thousandths, rounded down.
pub(crate) fn times(n: u32, ratio_milli: u32) -> u32 {
    let product = u64::from(n) * u64::from(ratio_milli) / 1000;
    u32::try_from(product).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(mode: Mode, load: Load) -> Result<u32, Reason> {
        super::calls(mode, load, Ok)
    }

    const LOAD: Load = Load {
        agents: 10,
        free: 4,
        in_flight: 1,
        active: 7,
        max_concurrent: 100,
    };

    #[test]
    fn progressive_dials_one_call_for_each_free_agent() {
        assert_eq!(calls(Mode::Progressive, LOAD), Ok(3));
        assert_eq!(
            calls(
                Mode::Progressive,
                Load {
                    in_flight: 4,
                    ..LOAD
                }
            ),
            Err(Reason::AgentsBusy)
        );
        assert_eq!(
            calls(Mode::Progressive, Load { agents: 0, ..LOAD }),
            Err(Reason::NoAgents)
        );
    }

    #[test]
    fn power_dials_its_ratio_up_to_the_cap() {
        let power = Mode::Power { ratio_milli: 2_500 };
        assert_eq!(calls(power, LOAD), Ok(9));
        assert_eq!(
            calls(
                power,
                Load {
                    max_concurrent: 9,
                    ..LOAD
                }
            ),
            Ok(2)
        );
        assert_eq!(
            calls(
                power,
                Load {
                    max_concurrent: 7,
                    ..LOAD
                }
            ),
            Err(Reason::MaxConcurrent)
        );
    }

    #[test]
    fn agentless_fills_the_cap() {
        assert_eq!(
            calls(
                Mode::Agentless,
                Load {
                    agents: 0,
                    free: 0,
                    ..LOAD
                }
            ),
            Ok(93)
        );
    }

    #[test]
    fn predictive_is_asked_within_its_caps() {
        let capped = |ratio| Mode::Predictive {
            max_ratio_milli: ratio,
        };
        assert_eq!(calls(capped(None), LOAD), Ok(93));
        assert_eq!(
            calls(capped(Some(1_500)), LOAD),
            Ok(8),
            "15 lines, 7 in use"
        );
        let busy = Load { active: 15, ..LOAD };
        assert_eq!(calls(capped(Some(1_500)), busy), Err(Reason::MaxRatio));
        let alone = Load { agents: 0, ..LOAD };
        assert_eq!(calls(capped(None), alone), Err(Reason::NoAgents));
        let nobody = super::calls(capped(None), LOAD, |_| Err(Reason::AgentsBusy));
        assert_eq!(nobody, Err(Reason::AgentsBusy));
    }
}
