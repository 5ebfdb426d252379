-- Agents who log in without a channel: outdial rings their phone for each call.
ALTER TABLE outdial.agents
  ADD COLUMN phone_tech text
    CONSTRAINT agents_phone_tech_check CHECK (phone_tech ~ '^[A-Za-z0-9_.-]{1,80}$'),
  ADD COLUMN phone_endpoint text
    CONSTRAINT agents_phone_endpoint_check CHECK (phone_endpoint ~ '^[A-Za-z0-9_.@-]{1,80}$'),
  ADD COLUMN ring_timeout_ms integer NOT NULL DEFAULT 15000
    CONSTRAINT agents_ring_timeout_ms_check CHECK (ring_timeout_ms BETWEEN 1000 AND 120000),
  ADD CONSTRAINT agents_phone_whole_check
    CHECK ((phone_tech IS NULL) = (phone_endpoint IS NULL));
COMMENT ON COLUMN outdial.agents.phone_tech IS
  'channel technology of the phone that is rung, PJSIP for example; NULL: the agent calls in';
COMMENT ON COLUMN outdial.agents.phone_endpoint IS 'endpoint of that phone';
COMMENT ON COLUMN outdial.agents.ring_timeout_ms IS 'the phone rings so long';
