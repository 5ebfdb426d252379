-- Predictive campaigns: the mode, and the abandon rule that it keeps.
ALTER TABLE outdial.campaigns
  DROP CONSTRAINT campaigns_mode_check,
  ADD CONSTRAINT campaigns_mode_check
    CHECK (mode IN ('progressive', 'power', 'predictive', 'agentless')),
  ADD COLUMN max_ratio numeric(6, 3)
    CONSTRAINT campaigns_max_ratio_check CHECK (max_ratio BETWEEN 1 AND 20),
  ADD COLUMN abandon_limit numeric(4, 1) NOT NULL DEFAULT 3
    CONSTRAINT campaigns_abandon_limit_check CHECK (abandon_limit BETWEEN 0.1 AND 10),
  ADD COLUMN abandon_window text NOT NULL DEFAULT 'month'
    CONSTRAINT campaigns_abandon_window_check CHECK (abandon_window IN ('day', 'month'));
COMMENT ON COLUMN outdial.campaigns.max_ratio IS
  'live calls for each agent logged in, at most; NULL: no such bound';
COMMENT ON COLUMN outdial.campaigns.abandon_limit IS
  'percent of the calls answered by a person that may find no agent';
