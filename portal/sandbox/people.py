"""Who is in the demo club. Nobody here exists."""

SELIN, BILAL, INGRID, CHEN, MARTA = (
    "selin@aydin.club",
    "bilal@rahman.uk",
    "ingrid@moen.no",
    "wei.chen@nus.sg",
    "marta@reyes.mx",
)
ANA, EEVA = "ana@duarte.pt", "eeva@korhonen.fi"
# Invited and not here yet; was in a family for a month; said no to one.
INVITED, LEFT_AGAIN, SAID_NO = "tomas@duarte.pt", "gul.erdem@gmail.com", "pierre.dubois@orange.fr"

# First name, last name, address, zone, plan: i/f = individual/family, m/y = monthly/yearly, - = days from the club only.
PEOPLE = [
    ("Selin", "Aydın", SELIN, "Europe/Istanbul", "iy"),
    ("Bilal", "Rahman", BILAL, "Europe/London", "im"),
    ("Ana", "Duarte", ANA, "Europe/Berlin", "fy"),
    ("Ingrid", "Moen", INGRID, "Europe/Oslo", "iy"),
    ("Wei", "Chen", CHEN, "Asia/Singapore", "iy"),
    ("Marta", "Reyes", MARTA, "America/Mexico_City", "im"),
    ("Rui", "Duarte", "rui@duarte.pt", "Europe/Lisbon", ""),
    ("Inês", "Duarte", "ines.d@posteo.de", "Europe/Berlin", ""),
    ("Lurdes", None, "lurdes@sapo.pt", "Europe/Lisbon", ""),
    ("Femi", "Adeyemi", "femi@lagos.dev", "Africa/Lagos", "im"),
    ("Grace", "O’Neill", "grace@oneill.ie", "Europe/Dublin", "iy"),
    ("Nils", "Berg", "nils@berg.no", "Europe/Oslo", "im"),
    ("Tao", "Wen", "wen@tao.cn", "Asia/Shanghai", "im"),
    ("Farid", "Haddad", "farid.haddad@gmail.com", "Africa/Casablanca", "im"),
    ("Ewa", "Nowak", "ewa.nowak@wp.pl", "Europe/Warsaw", "iy"),
    ("Deniz", "Kaya", "deniz.kaya@outlook.com", "Europe/Istanbul", "im"),
    ("Carla", "Bianchi", "carla@bianchi.it", "Europe/Rome", "fy"),
    ("Luca", "Bianchi", "luca@bianchi.it", "Europe/Rome", ""),
    ("Burak", "Şahin", "burak.sahin@gmail.com", "Europe/Istanbul", "im"),
    ("Ada", "Lindqvist", "ada@lindqvist.se", "Europe/Stockholm", "iy"),
    ("Yara", "Nassar", "yara.nassar@proton.me", "Asia/Beirut", "im"),
    ("Zeynep", "Arslan", "zeynep@arslan.com.tr", "Europe/Istanbul", "iy"),
    ("Umut", "Demir", "umut.demir@gmail.com", "Europe/Istanbul", "im"),
    ("Vera", "Ivanova", "vera.ivanova@yandex.com", "Asia/Tbilisi", "im"),
    ("Rosa", "Alvarez", "rosa@alvarez.es", "Europe/Madrid", "fm"),
    ("Pablo", "Alvarez", "pablo@alvarez.es", "Europe/Madrid", ""),
    ("Lucía", "Alvarez", "lucia@alvarez.es", "America/Bogota", ""),
    ("Mateo", "Alvarez", "mateo@alvarez.es", "Europe/Madrid", ""),
    ("Abuela", "Carmen", "carmen@alvarez.es", "Atlantic/Canary", ""),
    ("Hugo", "Alvarez", "hugo.alvarez@gmail.com", "Europe/Madrid", ""),
    ("Tomás", "Silva", "tomas.silva@uol.com.br", "America/Sao_Paulo", "im"),
    ("Olu", "Bankole", "olu@bankole.ng", "Africa/Lagos", "im"),
    ("Priya", "Raman", "priya.raman@iitm.in", "Asia/Kolkata", "iy"),
    ("Quinn", "Harper", "quinn@harper.ca", "America/Toronto", "im"),
    ("Kemal", "Öztürk", "kemal.ozturk@gmail.com", "Europe/Istanbul", "im"),
    ("Leyla", "Yılmaz", "leyla@yilmaz.org", "Europe/Istanbul", "im"),
    ("Hana", "Sato", "hana.sato@kyoto.jp", "Asia/Tokyo", "iy"),
    ("Jonas", "Weber", "jonas.weber@gmx.de", "Europe/Berlin", "im"),
    ("Elif", "Çelik", "elif.celik@hotmail.com", "Europe/Istanbul", "im"),
    ("Dilek", "Acar", "dilek@acar.net", "Europe/Istanbul", "iy"),
    ("Noor", "van Dijk", "noor@vandijk.nl", "Europe/Amsterdam", "im"),
    ("Amara", "Okafor", "amara.okafor@gmail.com", "Africa/Lagos", "im"),
    ("Sipho", "Dlamini", "sipho@dlamini.co.za", "Africa/Johannesburg", "im"),
    ("Maya", "Cohen", "maya@cohen.co.il", "Asia/Jerusalem", "im"),
    ("Arjun", "Mehta", "arjun.mehta@gmail.com", "Asia/Kolkata", "im"),
    ("Sofía", "Romero", "sofia.romero@unam.mx", "America/Mexico_City", "iy"),
    ("Liam", "Walsh", "liam.walsh@tcd.ie", "Europe/Dublin", "im"),
    ("Aiko", "Tanaka", "aiko@tanaka.jp", "Asia/Tokyo", "im"),
    ("Mehdi", "Karimi", "mehdi.karimi@proton.me", "Asia/Dubai", "im"),
    ("Eeva", "Korhonen", EEVA, "Europe/Helsinki", "fy"),
    ("Otto", "Korhonen", "otto@korhonen.fi", "Europe/Helsinki", ""),
    ("Sam", "Taylor", "sam.taylor@gmail.com", "America/New_York", "im"),
    ("Ruth", "Adler", "ruth.adler@berkeley.edu", "America/Los_Angeles", "iy"),
    ("Mina", "Park", "mina.park@naver.com", "Asia/Seoul", "im"),
    ("Joaquín", "Paz", "joaquin@paz.ar", "America/Argentina/Buenos_Aires", "im"),
    ("Keiko", None, "keiko@sydney.net.au", "Australia/Sydney", "im"),
    ("Bob", "Miller", "bob.miller@aol.com", "America/Chicago", "-"),
    ("Ivy", "Brown", "ivy.brown@gmail.com", "Pacific/Auckland", "-"),
    ("Pierre", "Dubois", SAID_NO, "Europe/Paris", "lapsed"),
    ("Gül", "Erdem", LEFT_AGAIN, "Europe/Istanbul", "lapsed"),
    ("ياسمين", "حداد", "yasmin@haddad.jo", "Asia/Amman", "im"),
    (
        "Maximiliane",
        "von Hohenstein-Waldburg",
        "maximiliane.von.hohenstein-waldburg@universitaet-heidelberg.de",
        "Europe/Berlin",
        "im",
    ),
]

FAMILIES = [
    ("The Duarte family", ANA, ["rui@duarte.pt", "ines.d@posteo.de", "lurdes@sapo.pt"]),
    ("Casa Bianchi", "carla@bianchi.it", ["luca@bianchi.it"]),
    (
        "Los Alvarez",
        "rosa@alvarez.es",
        ["pablo@alvarez.es", "lucia@alvarez.es", "mateo@alvarez.es", "carmen@alvarez.es", "hugo.alvarez@gmail.com"],
    ),
    ("Korhonen", EEVA, ["otto@korhonen.fi"]),
]

PLANNING = """Monday is for planning. Bring the one thing that has to happen this week and say it in a sentence. \
We write them down, go quiet for forty minutes, and come back for the last ten to say what changed.

No preparation needed. Camera off is fine. If you come late, come in: nobody is introduced twice."""
QUIET = """Forty minutes of work in company, ten minutes to say how it went.

- Say what you will do.
- Do it.
- Say what came of it."""
OPEN = """No theme. Bring a question, a half-finished thing or an ear.

The host keeps the time; everybody has **three minutes** before anybody has six."""
REVIEW = "What was planned on Monday, what became of it, and what is let go. Kind and short."
FILM = "Half an hour of film, then an hour of talk. The film is at [the archive](https://archive.org)."
GUEST = (
    "Marta has finished eleven long things and will say how the twelfth one nearly beat her. Questions from the start."
)
CIRCLE = "A small circle before the working day. Ingrid knows everybody in it, so she answers each request herself."

# Title, text, host, minutes, and the days of the week, Monday is 1. Other days have the club's daily meeting.
SERIES = [
    ("Plan the week, out loud", PLANNING, SELIN, 60, (1,)),
    ("Quiet work hour", QUIET, BILAL, 60, (2, 6)),
    ("Guest: Marta Reyes on finishing", GUEST, MARTA, 75, (3,)),
    ("Film and talk", FILM, INGRID, 90, (5,)),
    ("The week in review", REVIEW, SELIN, 60, (7,)),
]
