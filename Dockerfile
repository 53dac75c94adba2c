# One image for the web server and the workers; compose.yaml sets the command of each container.
FROM python:3.13-slim
RUN useradd --create-home pav && mkdir -p /srv/pav && chown pav /srv/pav
WORKDIR /opt/pav
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER pav
ENV PAV_VAR=/srv/pav PYTHONUNBUFFERED=1
VOLUME /srv/pav
ENTRYPOINT ["python", "manage.py"]
