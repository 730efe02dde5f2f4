# The image of docker-compose.yml. NEVER BUILT BY US: take it as a pattern.
FROM apache/airflow:3.3.2-python3.12
COPY --chown=airflow:root . /opt/riftwatch
WORKDIR /opt/riftwatch
RUN pip install --no-cache-dir -c constraints.txt . psycopg2-binary
