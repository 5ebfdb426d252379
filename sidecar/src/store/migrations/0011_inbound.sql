-- Calls that come in from numbers that were dialed lately.
ALTER TABLE outdial.campaigns ADD COLUMN inbound_days integer NOT NULL DEFAULT 30
  CONSTRAINT campaigns_inbound_days_check CHECK (inbound_days BETWEEN 0 AND 3650);
COMMENT ON COLUMN outdial.campaigns.inbound_days IS
  'who was dialed in so many days and calls reaches the campaign''s agents; 0: nobody';

ALTER TABLE outdial.leads ADD COLUMN dialed_at timestamptz;
COMMENT ON COLUMN outdial.leads.dialed_at IS 'start of the last attempt that reached a carrier';
UPDATE outdial.leads l SET dialed_at = a.at
FROM (SELECT campaign_id, lead_id, max(started_at) AS at FROM outdial.attempts
      WHERE legs > 0 GROUP BY 1, 2) a
WHERE l.campaign_id = a.campaign_id AND l.id = a.lead_id;

ALTER TABLE outdial.attempts ADD COLUMN inbound boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN outdial.attempts.inbound IS
  'the lead has called us: caller_id is the number that was called, trunk_id 0, legs 0; left out of the abandon rate and of statistics';
