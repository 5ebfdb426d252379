-- Preview campaigns, who gets an agent, what callees see, who takes calls first, and what a new
-- engine must know of the days before it.
ALTER TABLE outdial.campaigns
  DROP CONSTRAINT campaigns_mode_check,
  ADD CONSTRAINT campaigns_mode_check
    CHECK (mode IN ('preview', 'progressive', 'power', 'predictive', 'agentless')),
  ADD COLUMN preview_timeout_ms integer
    CONSTRAINT campaigns_preview_timeout_ms_check
    CHECK (preview_timeout_ms BETWEEN 1000 AND 600000),
  ADD COLUMN preview_dial boolean NOT NULL DEFAULT false,
  ADD COLUMN min_ring_ms integer NOT NULL DEFAULT 15000
    CONSTRAINT campaigns_min_ring_ms_check CHECK (min_ring_ms BETWEEN 0 AND 120000),
  ADD COLUMN abandon_from text NOT NULL DEFAULT 'answer'
    CONSTRAINT campaigns_abandon_from_check
    CHECK (abandon_from IN ('answer', 'greeting_start', 'greeting_end')),
  ADD COLUMN on_machine text NOT NULL DEFAULT 'hang_up'
    CONSTRAINT campaigns_on_machine_check CHECK (on_machine IN ('hang_up', 'message', 'agent')),
  ADD COLUMN machine_message text
    CONSTRAINT campaigns_machine_message_check CHECK (outdial.is_name(machine_message)),
  ADD COLUMN on_unknown text NOT NULL DEFAULT 'agent'
    CONSTRAINT campaigns_on_unknown_check CHECK (on_unknown IN ('agent', 'machine')),
  ADD COLUMN on_screening text NOT NULL DEFAULT 'agent'
    CONSTRAINT campaigns_on_screening_check CHECK (on_screening IN ('agent', 'machine')),
  ADD COLUMN people_among_machines numeric(4, 1) NOT NULL DEFAULT 0
    CONSTRAINT campaigns_people_among_machines_check
    CHECK (people_among_machines BETWEEN 0 AND 50),
  ADD COLUMN caller_id_daily_cap integer
    CONSTRAINT campaigns_caller_id_daily_cap_check
    CHECK (caller_id_daily_cap BETWEEN 1 AND 1000000),
  ADD COLUMN local_presence smallint NOT NULL DEFAULT 0
    CONSTRAINT campaigns_local_presence_check CHECK (local_presence BETWEEN 0 AND 10),
  ADD CONSTRAINT campaigns_machine_message_given_check
    CHECK (on_machine <> 'message' OR machine_message IS NOT NULL);
COMMENT ON COLUMN outdial.campaigns.preview_timeout_ms IS
  'an agent looks at a lead for so long; NULL: 10 minutes, then it is skipped';
COMMENT ON COLUMN outdial.campaigns.preview_dial IS
  'what is decided when that time is over: dial, or skip';
COMMENT ON COLUMN outdial.campaigns.min_ring_ms IS
  'dials that no agent is left for ring so long before they are given up';
COMMENT ON COLUMN outdial.campaigns.abandon_from IS
  'from where the time without an agent is counted; with AMD it is its verdict';
COMMENT ON COLUMN outdial.campaigns.people_among_machines IS
  'percent of people among those whom AMD takes for machines, by an audit: they count as abandoned';
COMMENT ON COLUMN outdial.campaigns.caller_id_daily_cap IS
  'calls in 24 hours in which one caller id is shown, over all campaigns; NULL: no limit';
COMMENT ON COLUMN outdial.campaigns.local_presence IS
  'prefer caller ids that share so many leading digits with the called number; 0: off';

ALTER TABLE outdial.agent_campaigns ADD COLUMN rank smallint NOT NULL DEFAULT 0
  CONSTRAINT agent_campaigns_rank_check CHECK (rank BETWEEN 0 AND 255);
COMMENT ON COLUMN outdial.agent_campaigns.rank IS
  'of the free agents those with the lowest rank get a call first';

ALTER TABLE outdial.attempts ADD COLUMN caller_id text;

-- Calls answered by a person by the day in UTC on which they began.
CREATE TABLE outdial.campaign_days (
  campaign_id bigint NOT NULL,
  day date NOT NULL,
  answered integer NOT NULL,
  abandoned integer NOT NULL,
  PRIMARY KEY (campaign_id, day)
);
ALTER TABLE outdial.campaign_days ENABLE ROW LEVEL SECURITY;

-- Attempts by the number shown and the hour in which they began; kept for two days.
CREATE TABLE outdial.caller_id_hours (
  caller_id text NOT NULL,
  hour timestamptz NOT NULL,
  shown integer NOT NULL,
  PRIMARY KEY (caller_id, hour)
);
ALTER TABLE outdial.caller_id_hours ENABLE ROW LEVEL SECURITY;
