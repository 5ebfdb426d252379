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

ALTER TABLE outdial.agents ADD COLUMN pin_hash text
  CONSTRAINT agents_pin_hash_check CHECK (pin_hash LIKE '$argon2id$%');
COMMENT ON COLUMN outdial.agents.pin_hash IS
  'argon2id of the PIN that OutdialAgent asks for, as outdial agents set NAME --pin writes it; NULL: none';

-- Wrong PINs in a row. Away from agents: a try is no change of the configuration.
CREATE TABLE outdial.pin_tries (
  agent_id bigint PRIMARY KEY REFERENCES outdial.agents ON DELETE CASCADE,
  wrong integer NOT NULL,
  since timestamptz NOT NULL,
  locked_until timestamptz
);
ALTER TABLE outdial.pin_tries ENABLE ROW LEVEL SECURITY;
COMMENT ON COLUMN outdial.pin_tries.since IS 'the first of them';
COMMENT ON COLUMN outdial.pin_tries.locked_until IS 'no PIN of the agent is looked at before then';

ALTER TABLE outdial.campaigns ADD COLUMN amd text
  CONSTRAINT campaigns_amd_check
  CHECK (amd = 'default' OR (amd <> '' AND amd ~ '^([0-9]{1,5})?(,([0-9]{1,5})?){0,8}$'));
COMMENT ON COLUMN outdial.campaigns.amd IS
  'OutdialConnect runs AMD() with these arguments unless the dialplan has; default: as amd.conf has it; NULL: it does not';
