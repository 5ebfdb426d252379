-- Time without an agent counted from AMD's verdict, agents who came too late, PINs of agents, AMD that
-- a campaign asks for.
ALTER TABLE outdial.campaigns
  DROP CONSTRAINT campaigns_abandon_from_check,
  ADD CONSTRAINT campaigns_abandon_from_check
    CHECK (abandon_from IN ('answer', 'greeting_start', 'greeting_end', 'verdict'));
COMMENT ON COLUMN outdial.campaigns.abandon_from IS
  'from where the time without an agent is counted; with verdict it is AMD''s, or the answer where it did not run';

ALTER TABLE outdial.attempts ADD COLUMN late boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outdial.attempts.late IS
  'the agent came after connect_limit_ms: the rules count the call as abandoned';
